// What a plan makes of super: how full it is before the job, at its fullest, and after it.
import type { Plan, Step } from '../../../shared/plan.ts'
import { splitSlot } from '../../../shared/units.ts'
import { type SuperRoom, superRoom } from './super-room.ts'

/** All in bytes, whole units of the alignment. */
export interface SuperUse {
  /** What partitions may take in all. */
  readonly capacity: number
  readonly before: number
  readonly fullest: number
  readonly after: number
  /** Worked out from sizes that the terminal tells, not read from its tables. */
  readonly assumed: boolean
}

/** Undefined for a plan that changes nothing in super, or a terminal that does not tell how large its super is. */
export function superUse(plan: Pick<Plan, 'facts' | 'rom' | 'steps'>): SuperUse | undefined {
  const start = superRoom(plan.facts, plan.rom)
  if (start === undefined || !plan.steps.some(changesSuper)) return undefined
  let room = start
  let fullest = room.taken()
  for (const step of plan.steps) {
    room = afterStep(room, step, plan)
    fullest = Math.max(fullest, room.taken())
  }
  const { capacity, assumed } = room
  return { capacity, assumed, before: start.taken(), fullest, after: room.taken() }
}

function changesSuper({ kind }: Step): boolean {
  return kind === 'resize-logical' || kind === 'delete-logical' || kind === 'update-super'
}

function afterStep(room: SuperRoom, step: Step, { rom }: Pick<Plan, 'rom'>): SuperRoom {
  if (step.kind === 'delete-logical') return room.without([step.partition])
  if (step.kind === 'resize-logical') return room.resized(step.partition, step.bytes)
  if (step.kind !== 'update-super' || rom.superEmpty === undefined) return room
  // Virtual A/B drops the partitions of both slots with its tables (ADR 0009).
  const dropped = room.names.filter((name) => splitSlot(name).slot !== undefined)
  return room.without(dropped).under(rom.superEmpty.tables)
}
