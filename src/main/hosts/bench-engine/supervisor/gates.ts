// Which commands are a supervisor's. Every command stands here, so that whoever adds one decides on it.
import type { CommandName, Params } from '../../../../shared/contract.ts'
import type { Deviation } from '../../../../shared/role.ts'
import { planDeviations, recipeDeviations } from '../../../core/plan/deviations.ts'
import type { BenchEngine } from '../bench-engine.ts'
import { recipeOf } from '../planner.ts'
import type { WindowRole } from './window-role.ts'

/** `supervisor`: whatever it is asked for. A function: only for what it finds. */
type Gate<N extends CommandName> =
  | 'anybody'
  | 'supervisor'
  | ((engine: BenchEngine, params: Params<N>) => readonly Deviation[])

export const GATES: { readonly [N in CommandName]: Gate<N> } = {
  'bays.rename': 'anybody',
  'bays.order': 'anybody',
  'bays.forget': 'anybody',

  'rom.add': 'anybody',
  'rom.verify': 'anybody',
  'rom.remove': 'anybody',
  'rom.detail': 'anybody',
  // Whether a programmer may run is decided by the terminal, which checks its maker's signature.
  'loader.add': 'anybody',
  'files.list': 'anybody',

  // Writes nothing; so a supervisor need not come before there is something to decide on.
  'plan.make': 'anybody',
  'job.start': ({ planner, settings }, { plan }) => planDeviations(planner.peek(plan), settings.settings),
  'job.cancel': 'anybody',
  // Somebody stood behind it when it was started, and a terminal must not be left half written for want of a PIN.
  'job.resume': 'anybody',
  // What only the new plan shows is asked for once it is made.
  'job.again': ({ bench, settings }, { job }) =>
    recipeDeviations(bench.journal.get(job).plan.recipe, settings.settings),
  'job.acknowledge': 'anybody',
  'job.throughput': 'anybody',
  'job.report': 'anybody',
  'jobs.search': 'anybody',
  'jobs.csv': 'anybody',

  'terminal.facts': 'anybody',
  'terminal.reboot': 'anybody',
  'terminal.stop': 'anybody',

  'session.start': ({ settings }, { choice }) =>
    recipeDeviations(recipeOf(choice, settings.settings), settings.settings),
  'session.stop': 'anybody',
  // What was chosen for the whole session was decided on at its start; what one terminal adds is not.
  'session.go': ({ session }, { bay }) => session.undecided(bay),
  'session.hold': 'anybody',
  'session.recheck': 'anybody',

  'settings.set': ({ settings }, { batteryLimit }) =>
    batteryLimit !== undefined && batteryLimit < settings.settings.batteryLimit ? ['battery'] : [],
  'log.read': 'anybody',
  'host.doctor': 'anybody',
  'simulation.add': 'anybody',
  'simulation.remove': 'anybody',

  'firmware.refresh': 'anybody',
  'firmware.search': 'anybody',
  'firmware.best': 'anybody',
  'firmware.need': 'anybody',
  'download.start': 'anybody',
  'transfer.stop': 'anybody',
  'transfer.drop': 'anybody',
  'cache.list': 'anybody',
  'cache.pin': 'anybody',
  'cache.remove': 'anybody',
  'cache.use': 'anybody',
  'stick.export': 'anybody',
  'stick.import': 'anybody',
  // Whoever answers at an address can offer only what the trusted keys have signed.
  'repository.change': 'anybody',
  'trust.list': 'anybody',
  'trust.add-key': 'supervisor',
  'trust.remove-key': 'supervisor',
  'trust.add-repository': 'supervisor',
  'trust.remove-repository': 'supervisor',

  'update.check': 'anybody',
  'update.download': 'anybody',
  'update.install': 'anybody',

  'backups.list': 'anybody',
  'backups.check': 'anybody',
  'backups.make': 'anybody',
  'backups.export': 'anybody',
  // Writes nothing; the restore itself is a supervisor's, at `job.start`.
  'backups.plan': 'anybody',

  'partitions.read': 'anybody',
  // As with a restore: the write itself is a supervisor's, at `job.start`.
  'partitions.plan': 'anybody',

  'support.make': 'anybody',
  'support.save': 'anybody',

  // These ask for the PIN themselves.
  'supervisor.set-pin': 'anybody',
  'supervisor.remove-pin': 'anybody',
  'supervisor.unlock': 'anybody',
  'supervisor.lock': 'anybody',
  'supervisor.touch': 'anybody',
}

/** @throws SlotbenchError `supervisor-needed`, and what looking at the request throws. */
export function checkGate<N extends CommandName>(
  engine: BenchEngine,
  role: WindowRole,
  { command, params }: { readonly command: N; readonly params: Params<N> },
): void {
  const gate: Gate<N> = GATES[command]
  if (gate === 'anybody') return
  role.answersFor(gate === 'supervisor' ? [command] : gate(engine, params))
}
