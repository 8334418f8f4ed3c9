// What each command of the contract does.
import type { CommandName, Params, Result } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Plan } from '../../../shared/plan.ts'
import { examine } from '../../core/doctor/examine.ts'
import { planDeviations } from '../../core/plan/deviations.ts'
import { inspectHost } from '../../io/host/inspect-host.ts'
import { resourceFile } from '../resource-file.ts'
import type { BenchEngine } from './bench-engine.ts'
import { dropUndefined } from './drop-undefined.ts'
import { checkSessionChoice } from './flash-session.ts'
import { listFolder } from './folder-list.ts'
import { jobReport, jobsCsv, searchJobs } from './history.ts'
import type { WindowRole } from './supervisor/window-role.ts'

type Handler<N extends CommandName> = (
  engine: BenchEngine,
  params: Params<N>,
  role: WindowRole,
) => Result<N> | Promise<Result<N>>

const DONE = {}

export const HANDLERS: { readonly [N in CommandName]: Handler<N> } = {
  'bays.rename': ({ board }, { bay, name }) => done(board.rename(bay, name)),
  'bays.order': ({ board }, { bays }) => done(board.order(bays)),
  'bays.forget': ({ board }, { bay }) => done(board.forget(bay)),

  'rom.add': async ({ library }, { path }) => ({ rom: await library.add(path) }),
  'rom.verify': ({ library }, { rom }) => {
    library.pathOf(rom)
    // How it ends is told at the package.
    library.verify(rom).catch(() => {})
    return DONE
  },
  'rom.remove': ({ library }, { rom }) => done(library.remove(rom)),
  'rom.detail': ({ library }, { rom }) => ({ info: library.detail(rom) }),
  'loader.add': async ({ bench }, { path }) => done(await bench.keepLoader(path)),
  'files.list': (_, query) => listFolder(query),

  'plan.make': async ({ planner }, request) => ({ plan: await planner.make(request) }),
  'job.start': async ({ planner, runner }, { plan }) => ({ job: await runner.start(planner.take(plan)) }),
  'job.cancel': async ({ runner }, { job }) => done(await runner.cancel(job)),
  'job.resume': async ({ runner }, { job, bay }) => done(await runner.resume(job, bay)),
  'job.again': (engine, { job }, role) => startAgain(engine, job, role),
  'job.acknowledge': ({ runner, board, session, model }, { job }) => {
    runner.acknowledge(job)
    const bay = model.state.jobs.find(({ id }) => id === job)?.bay
    // In a session, what was looked at is not started again by itself.
    if (bay !== undefined && board.sighting(bay) !== undefined) session.hold(bay)
    return DONE
  },
  'job.throughput': ({ runner }, { job }) => ({ samples: [...runner.throughput(job)] }),
  'job.report': ({ bench }, { job }) => jobReport(bench, job),
  'jobs.search': ({ bench }, { limit, offset, ...query }) => searchJobs(bench, query, { limit, offset }),
  'jobs.csv': ({ bench }, query) => ({ csv: jobsCsv(bench, query) }),

  'terminal.facts': async ({ board }, { bay, fresh }) => {
    if (fresh) await board.read(bay, false)
    return board.reading(bay) ?? {}
  },
  'terminal.reboot': ({ bench, board, desk }, { bay, to }) =>
    desk.take(bay, { yields: false }, async (signal) => {
      const sighting = board.openable(bay)
      bench.journal.checkFree(sighting.bay, sighting.serial)
      return board.working(bay, { kind: 'rebooting', mode: to }, async () => {
        const { facts } = await bench.goTo(sighting, to, {
          signal,
          onWaiting: (waiting) => board.waiting(bay, waiting),
          onOpened: (opened) => bench.journal.checkFree(opened.bay, opened.serial?.value),
        })
        if (facts !== undefined) board.learnt(bay, facts)
        return DONE
      })
    }),
  'terminal.stop': async ({ desk, model }, { bay }) => {
    const runs = model.state.jobs.some((job) => job.bay === bay && job.state === 'running')
    if (runs) throw new SlotbenchError('bay-busy', 'a job runs there; it is cancelled as a job')
    return done(await desk.stop(bay, 'stopped at the bench'))
  },

  'session.start': ({ session, library }, choice) => {
    library.pathOf(choice.rom)
    checkSessionChoice(choice)
    return done(session.start(choice))
  },
  'session.stop': ({ session }) => done(session.stop()),
  'session.go': async ({ session }, { bay }) => done(await session.go(bay)),
  'session.hold': ({ session }, { bay }) => done(session.hold(bay)),
  'session.recheck': ({ session }, { bay }) => done(session.recheck(bay)),

  'settings.set': ({ settings, model, firmware }, change) => {
    model.change({ kind: 'settings', settings: settings.change(dropUndefined(change)) })
    if (change.cacheLimit !== undefined || change.channels !== undefined)
      firmware.settingsChanged(settings.settings.cacheLimit)
    return DONE
  },
  'log.read': ({ log }, query) => log.read(query),
  'host.doctor': async () => ({
    report: examine(await inspectHost(resourceFile('udev/51-slotbench.rules'))),
  }),
  'update.check': ({ updates }) => done(updates.check()),
  'update.download': ({ updates }) => done(updates.download()),
  'update.install': ({ updates }) => done(updates.install()),
  'simulation.add': async ({ simulation, library }, { profile }) => {
    const { bay, rom } = await simulation.add(profile)
    await library.add(rom)
    return { bay }
  },
  'simulation.remove': ({ simulation }, { bay }) => done(simulation.remove(bay)),

  'firmware.refresh': ({ firmware }) => {
    // How it ends is told at each repository.
    firmware.catalogue.refresh().catch(() => {})
    return DONE
  },
  'firmware.search': ({ firmware }, query) => firmware.search.search(query),
  'firmware.best': ({ firmware }, query) => firmware.search.best(query),
  'firmware.need': ({ firmware }, { rom }) => firmware.cache.need(rom),
  'download.start': ({ firmware }, { rom }) => ({ transfer: firmware.transfers.download(rom) }),
  'transfer.stop': async ({ firmware }, { transfer }) => done(await firmware.transfers.stop(transfer)),
  'transfer.drop': async ({ firmware }, { transfer }) => done(await firmware.transfers.drop(transfer)),
  'cache.list': ({ firmware }) => firmware.cache.list(),
  'cache.pin': async ({ firmware }, request) => done(await firmware.cache.pin(request)),
  'cache.remove': async ({ firmware }, { rom }) => done(await firmware.cache.remove(rom)),
  'cache.use': ({ firmware }, { rom }) => firmware.cache.use(rom),
  'stick.export': ({ firmware }, { folder, roms }) => ({
    transfer: firmware.transfers.exportTo(folder, roms),
  }),
  'stick.import': ({ firmware }, { folder }) => ({ transfer: firmware.transfers.importFrom(folder) }),
  'repository.change': async ({ firmware }, change) => done(await firmware.changeRepository(change)),

  'trust.list': ({ firmware }) => firmware.trust.list(),
  'trust.add-key': ({ firmware }, request) => firmware.trust.addKey(request),
  'trust.remove-key': ({ firmware }, { name }) => done(firmware.trust.removeKey(name)),
  'trust.add-repository': async ({ firmware }, request) => done(await firmware.trust.addRepository(request)),
  'trust.remove-repository': async ({ firmware }, { name }) =>
    done(await firmware.trust.removeRepository(name)),

  'backups.list': ({ backups }, { bay }) => backups.list(bay),
  'backups.check': async ({ backups }, { backup }) => done(await backups.check(backup)),
  'backups.make': async ({ backups }, { bay }) => ({ backup: await backups.make(bay) }),
  'backups.export': async ({ backups }, { backup, folder }) => ({
    folder: await backups.export(backup, folder),
  }),
  'backups.plan': async ({ backups }, request) => ({ plan: await backups.makePlan(request) }),

  'partitions.read': ({ partitions }, request) => partitions.read(request),
  'partitions.plan': async ({ partitions }, request) => ({ plan: await partitions.makePlan(request) }),

  'support.make': ({ support }, { jobs }) => support.make(jobs),
  'support.save': ({ support }, { bundle }) => support.save(bundle),

  'supervisor.set-pin': async (_, { pin, old }, role) => done(await role.setPin(pin, old)),
  'supervisor.remove-pin': async ({ supervisor }, { old }) => done(await supervisor.removePin(old)),
  'supervisor.unlock': async (_, { pin }, role) => done(await role.unlock(pin)),
  'supervisor.lock': (_, __, role) => done(role.lock()),
  'supervisor.touch': (_, __, role) => done(role.touch()),
}

function done(_: unknown): Record<string, never> {
  return {}
}

/** The same package and recipe, planned anew for what stands on the bay now. */
async function startAgain(engine: BenchEngine, id: string, role: WindowRole) {
  const { bench, runner, settings } = engine
  const plan = await planAgain(engine, bench.journal.get(id).plan)
  role.answersFor(planDeviations(plan, settings.settings))
  const job = await runner.start(plan)
  runner.acknowledge(id)
  return { job }
}

async function planAgain(engine: BenchEngine, before: Plan): Promise<Plan> {
  const { library, planner } = engine
  const { bay } = before.terminal
  const files = before.steps.filter((step) => step.kind === 'write-file')
  if (before.rom.kind === 'backup')
    return engine.backups.plan({
      ...{ bay, backup: before.rom.path, partitions: files.map(({ partition }) => partition) },
    })
  const [file] = files
  if (file !== undefined) return engine.partitions.plan({ bay, partition: file.partition, path: file.file })
  const rom = await library.add(before.rom.path)
  return planner.plan({ bay, rom, survey: true }, before.recipe)
}
