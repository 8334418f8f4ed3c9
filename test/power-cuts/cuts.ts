// The promise: a terminal never ends worse than it came in. The power goes, at the computer or at the terminal, at every moment there
// is; then the only question that matters is asked: does it boot, and what?
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/shared/job.ts'
import type { Plan, Policy, Recipe } from '../../src/shared/plan.ts'
import type { AdbBehaviourChanges } from '../../src/simulator/adb/behaviour.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import type { Fault, SimulatorHooks } from '../../src/simulator/faults.ts'
import { bringBackToBootloader } from '../../src/simulator/hands.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import { ownContent } from '../edl/bench.ts'
import { FlashBench, NEW_BUILD, OLD_BUILD, openWorkplace, type Workplace } from '../flash-bench.ts'
import { TEST_ALL } from '../sampling.ts'
import { Killed, KillSwitch, type Moment } from './kill-switch.ts'
import { TableWrites } from './table-writes.ts'

const MOMENTS: readonly Moment[] = ['before', 'after']
/** Cuts inside downloads, and inside writes to the storage, per policy. */
const SAMPLES = 30
/** Terminals side by side: a run mostly waits for its terminal. */
const SIDE_BY_SIDE = 6
const KB = 1024
const FIRMWARE = { xbl: 64 * KB, abl: 64 * KB, modem: 64 * KB }
const SIZES = {
  ...FIRMWARE,
  system: 256 * KB,
  vendor: 128 * KB,
  product: 128 * KB,
  boot: 128 * KB,
  vendor_boot: 64 * KB,
  dtbo: 64 * KB,
  userdata: 256 * KB,
}
/** Far below the image, so that one partition goes in several pieces. */
const MAX_DOWNLOAD = 96 * KB
const LIMIT_MS = 1_800_000
/** Services after which the terminal is away: there the cut at the change of mode is the cut after it. */
const DEPARTURE = /^(reboot|sideload-host):/

export interface Cutting {
  readonly policy: Policy
  readonly profile: ProfileId
  /** How many cuts must have been tried. */
  readonly atLeast: number
  /** The terminal's ADB answers: it comes in running its system, and nobody's hands are needed. Without it, hands bring the terminal
   * back to its bootloader after each boot. */
  readonly adb?: AdbBehaviourChanges
  /** It comes in at its boot ROM, and whoever switches it on again holds the keys for that. */
  readonly edl?: boolean
  /** Of the commands, every so many-th is cut at. Default: each. With SLOTBENCH_TEST_ALL=1 it is each in any case. */
  readonly everyCommand?: number
  /** The same for the writes of the journal. */
  readonly everyWrite?: number
  readonly recipe?: Partial<Recipe>
  /** Puts the terminal into the state in which it comes in, e.g. with an unfinished update. */
  readonly prepare?: (bench: FlashBench) => Promise<void>
  /** Whether a bootable build is promised at every moment, not only at the end. Default: yes, where there are slots. A terminal that is
   * dead when it comes in boots from the switch on. */
  readonly promised?: boolean | 'from-the-switch-on'
}

export function powerCuts(cutting: Cutting): void {
  const { policy, atLeast, adb, recipe, edl = false } = cutting
  const [everyCommand, everyWrite] = TEST_ALL ? [1, 1] : [cutting.everyCommand ?? 1, cutting.everyWrite ?? 1]
  const how = `${recipe?.giveUpOtherSlot === true ? ', the other slot given up,' : ''}${edl ? ', in EDL,' : ''}`
  const name = `${policy}${how} on ${cutting.profile}`
  const promised = cutting.promised ?? policy !== 'single'
  const tried = new Map<string, number>()
  let place: Workplace
  let plan: Plan
  let loader: Uint8Array<ArrayBuffer>

  async function open(): Promise<FlashBench> {
    // A person follows a guide for minutes; a busy machine is no reason to give up sooner.
    const patience = { attempts: 4, reconnect: adb === undefined ? 3_000 : 15_000, adb: 10_000 }
    const set = { policy, patience, recipe: { proofTimeout: 2, ...recipe } }
    const loaders = edl ? { loaders: [loader] } : {}
    const bench = await FlashBench.open(place, { ...set, ...loaders, ...(adb === undefined ? {} : { adb }) })
    await cutting.prepare?.(bench)
    if (adb !== undefined) {
      bench.terminal.cutPower()
      await bench.terminal.powerOn(edl ? { keys: 'edl' } : {})
    }
    return bench
  }

  beforeAll(async () => {
    const model = profile(cutting.profile, { sizes: SIZES, maxDownload: MAX_DOWNLOAD })
    if (edl) loader = loaderFor(model)
    place = await openWorkplace(model)
    const bench = await open()
    plan = await bench.plan()
    expect(plan.blockers).toEqual([])
    await bench.close()
  })

  afterAll(async () => {
    await place.close()
    const total = [...tried.values()].reduce((sum, n) => sum + n, 0)
    console.log(
      `Power cuts tried, ${name}: ${total} (${[...tried].map(([what, n]) => `${n} ${what}`).join(', ')})`,
    )
    expect(total).toBeGreaterThanOrEqual(atLeast)
  })

  async function start(faults: readonly Fault[] = [], hooks: SimulatorHooks = {}) {
    const bench = await open()
    const job = bench.engine().create(plan)
    const own = edl ? await ownContent(bench) : undefined
    bench.terminal.setFaults({ faults, hooks, seed: 7 })
    const hands = adb === undefined ? bringBackToBootloader(bench.terminal, { patienceMs: 3 }) : () => {}
    const close = async () => {
      hands()
      if (own !== undefined) expect(await ownContent(bench)).toEqual(own)
      await bench.close()
    }
    return { bench, job, close }
  }

  /** As a person would switch it on: with the keys of the bootloader, or just so where ADB answers. One that restarts for ever is
   * caught with the keys, as the guide says. */
  async function powerOn({ terminal }: FlashBench): Promise<void> {
    await terminal.powerOn(edl ? { keys: 'edl' } : adb === undefined ? { keys: 'bootloader' } : {})
    if (terminal.state !== 'booting') return
    terminal.holdKeys('bootloader')
    terminal.holdKeys(undefined)
  }

  const count = (what: string) => tried.set(what, (tried.get(what) ?? 0) + 1)

  describe(name, { timeout: LIMIT_MS }, () => {
    it('the computer loses power before and after every journal write', async () => {
      const dry = await start()
      const counter = new KillSwitch(dry.bench.journal())
      expect((await dry.bench.run(dry.job.id, counter)).state).toBe('done')
      await dry.close()
      const cuts = range(counter.writes)
        .filter((n) => n % everyWrite === 0)
        .flatMap((n) => MOMENTS.map((moment) => ({ write: n + 1, moment })))
      await sideBySide(cuts, async ({ write, moment }) => {
        const { bench, job, close } = await start()
        const ended = bench.run(job.id, new KillSwitch(bench.journal(), write, moment)).then(
          ({ state, problem }) => `${state} ${problem?.detail}`,
          (thrown: unknown) => (thrown instanceof Killed ? 'killed' : thrown),
        )
        expect(await ended).toBe('killed')
        count('of the computer at a journal write')
        await checkBoots(bench, promised, job.id)
        await checkThrough(bench, job.id, powerOn)
        await close()
      })
    })

    it('the terminal loses power before and after every command', async () => {
      const commands: string[] = []
      const dry = await start([], { onCommand: (words) => void commands.push(words) })
      expect((await dry.bench.run(dry.job.id)).state).toBe('done')
      await dry.close()
      const chosen = commands.map((words, n) => [words, n] as const)
      const cuts = chosen
        .filter(([, n]) => n % everyCommand === 0)
        .flatMap(([words, n]) =>
          MOMENTS.filter((when) => when === 'before' || !DEPARTURE.test(words)).map((when) => ({
            command: n + 1,
            when,
          })),
        )
      await sideBySide(cuts, ({ command, when }) =>
        terminalCut({ kind: 'power-cut', at: { command }, when }, 'of the terminal at a command'),
      )
    })

    it('the terminal loses power at every change of its mode', async () => {
      const dry = await start()
      let changes = 0
      dry.bench.terminal.on((event) => {
        if (event.kind === 'state') changes++
      })
      expect((await dry.bench.run(dry.job.id)).state).toBe('done')
      const seen = changes
      await dry.close()
      // Hands switch off and on all the time; those are no changes of the engine's making.
      if (adb === undefined) return
      expect(seen).toBeGreaterThan(0)
      await sideBySide(range(seen), (n) =>
        terminalCut({ kind: 'change-of-mode', at: n + 1 }, 'of the terminal at a change of mode'),
      )
    })

    const inTables = async () => {
      const watch = new TableWrites(plan.facts)
      const dry = await start([], watch.hooks)
      expect((await dry.bench.run(dry.job.id)).state).toBe('done')
      await dry.close()
      expect(watch.cuts.length).toBeGreaterThan(10)
      await sideBySide(watch.cuts, (afterBytes) =>
        terminalCut(
          { kind: 'power-cut-in-write', afterBytes },
          'of the terminal inside a copy of a partition table',
        ),
      )
    }
    // Without slots there is nothing to switch, and no table is written.
    if (edl && policy !== 'single')
      it('the terminal loses power inside the copies of its partition tables', inTables)

    it('the terminal loses power in the middle of downloads and of writes to its storage', async () => {
      let downloaded = 0
      let written = 0
      const dry = await start([], {
        onDownloadBytes: (total) => {
          downloaded = total
        },
        onStorageWrite: ({ bytes, total }) => {
          written = total + bytes
        },
      })
      expect((await dry.bench.run(dry.job.id)).state).toBe('done')
      await dry.close()
      expect(written).toBeGreaterThan(0)
      await sideBySide(range(SAMPLES), async (i) => {
        const at = (bytes: number) => 1 + Math.floor(((i + 0.37) / SAMPLES) * (bytes - 2))
        // A recovery downloads nothing: it asks for blocks of the package.
        if (downloaded > 0)
          await terminalCut(
            { kind: 'power-cut-in-download', afterBytes: at(downloaded) },
            'of the terminal in a download',
          )
        await terminalCut(
          { kind: 'power-cut-in-write', afterBytes: at(written) },
          'of the terminal in a storage write',
        )
      })
    })
  })

  async function terminalCut(fault: Fault | ChangeOfMode, what: string): Promise<void> {
    const { bench, job, close } = await start(fault.kind === 'change-of-mode' ? [] : [fault])
    let cuts = 0
    const checks: Promise<unknown>[] = []
    // The technician's hands switch off and on in one breath; a cut leaves the terminal dark.
    const dark = async () => {
      await setImmediate()
      if (bench.terminal.state !== 'off') return
      cuts++
      await checkBoots(bench, promised, job.id)
      await powerOn(bench)
    }
    const stop = bench.terminal.on((event) => {
      if (event.kind === 'state' && event.state === 'off')
        checks.push(dark().catch((error: unknown) => error))
    })
    const unplanned = fault.kind === 'change-of-mode' ? cutAtChange(bench, fault) : () => {}
    const ended = await bench.run(job.id)
    unplanned()
    for (const failure of await Promise.all(checks)) if (failure !== undefined) throw failure
    stop()
    expect(cuts, `${JSON.stringify(fault)} ${ended.state} ${ended.problem?.detail}`).toBe(1)
    count(what)
    await checkThrough(bench, job.id, powerOn)
    await close()
  }
}

type PowerOn = (bench: FlashBench) => Promise<void>

/** The power goes at the nth change of the terminal's state. */
interface ChangeOfMode {
  readonly kind: 'change-of-mode'
  readonly at: number
}

function cutAtChange({ terminal }: FlashBench, { at }: ChangeOfMode): () => void {
  let changes = 0
  return terminal.on((event) => {
    if (event.kind !== 'state' || ++changes !== at) return
    // From within the change itself nothing can be cut.
    queueMicrotask(() => terminal.cutPower())
  })
}

/** At any moment one whole build boots; without a second slot that is only promised once the job is through. A terminal that was sent
 * to fastbootd or recovery comes up there until it is told to restart, which is what its screen offers. */
async function checkBoots(
  bench: FlashBench,
  promised: boolean | 'from-the-switch-on',
  id: string,
): Promise<void> {
  if (promised === 'from-the-switch-on') {
    const switched = bench
      .journal()
      .get(id)
      .steps.find((step) => step.id.includes('set-active'))
    if (switched?.state !== 'proven') return
  } else if (!promised) return
  const boot = await bench.terminal.wouldBoot({ toldToRestart: true })
  expect(boot.verdict, boot.reason).toBe('booted')
  expect([OLD_BUILD, NEW_BUILD]).toContain(boot.build)
}

/** Resumes as a person would, from a fresh start of the program, until the job is done and the new build boots. */
async function checkThrough(bench: FlashBench, id: string, powerOn: PowerOn): Promise<void> {
  const job = await carryThrough(bench, id, powerOn)
  expect(job.steps.every((step) => step.state === 'proven')).toBe(true)
  expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: NEW_BUILD })
  await checkWritten(bench, job)
}

/** The bytes that the journal calls proven are the bytes that the terminal holds. */
async function checkWritten(bench: FlashBench, job: Job): Promise<void> {
  for (const step of job.plan.steps) {
    if (step.kind === 'write')
      expect(await bench.terminal.partitionDigest(step.partition), step.partition).toBe(step.sha256)
  }
}

async function carryThrough(bench: FlashBench, id: string, powerOn: PowerOn): Promise<Job> {
  for (let run = 0; ; run++) {
    if (bench.terminal.state === 'off') await powerOn(bench)
    const job = bench.journal().get(id)
    if (job.state === 'done') return job
    expect(run, `${job.state}: ${job.problem?.detail}`).toBeLessThan(5)
    await bench.run(id)
  }
}

function range(n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => i)
}

async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    range(SIDE_BY_SIDE).map(async () => {
      for (const item of queue) await work(item)
    }),
  )
}
