// The read model: one snapshot, then ordered changes. A window that missed one asks for a new snapshot, so it never shows a guess.
import { z } from 'zod'
import { firmwareViewSchema, transferViewSchema } from './contract-firmware.ts'
import { type LogLine, logLineSchema } from './contract-log.ts'
import { updateViewSchema } from './contract-update.ts'
import {
  type BayView,
  bayIdSchema,
  bayViewSchema,
  type JobView,
  jobIdSchema,
  jobViewSchema,
  noticeSchema,
  progressSchema,
  type RomView,
  romViewSchema,
  sessionViewSchema,
  settingsSchema,
} from './contract-views.ts'
import { missingCase } from './missing-case.ts'

export const hostViewSchema = z.object({
  kind: z.enum(['station', 'electron']),
  version: z.string().max(40),
  platform: z.string().max(40),
})

export const benchStateSchema = z.object({
  host: hostViewSchema,
  /** In the order of the wall. */
  bays: z.array(bayViewSchema).max(256),
  /** Those of this run, those that run, and those that nobody has acknowledged; the newest first. */
  jobs: z.array(jobViewSchema).max(512),
  roms: z.array(romViewSchema).max(256),
  firmware: firmwareViewSchema,
  session: sessionViewSchema,
  settings: settingsSchema,
  notices: z.array(noticeSchema).max(32),
  /** The latest lines; older ones are asked for. */
  log: z.array(logLineSchema).max(200),
  /** Of the program itself. */
  update: updateViewSchema,
})
export type BenchState = z.infer<typeof benchStateSchema>

export const changeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('bay'), bay: bayViewSchema }),
  z.object({ kind: z.literal('bay-gone'), id: bayIdSchema }),
  z.object({ kind: z.literal('bay-order'), ids: z.array(bayIdSchema).max(256) }),
  z.object({ kind: z.literal('job'), job: jobViewSchema }),
  z.object({ kind: z.literal('job-gone'), id: jobIdSchema }),
  z.object({ kind: z.literal('progress'), id: jobIdSchema, progress: progressSchema }),
  z.object({ kind: z.literal('rom'), rom: romViewSchema }),
  z.object({ kind: z.literal('rom-gone'), id: jobIdSchema }),
  z.object({ kind: z.literal('firmware'), firmware: firmwareViewSchema.omit({ transfers: true }) }),
  z.object({ kind: z.literal('transfer'), transfer: transferViewSchema }),
  z.object({ kind: z.literal('transfer-gone'), id: jobIdSchema }),
  z.object({ kind: z.literal('session'), session: sessionViewSchema }),
  z.object({ kind: z.literal('settings'), settings: settingsSchema }),
  z.object({ kind: z.literal('notices'), notices: z.array(noticeSchema).max(32) }),
  z.object({ kind: z.literal('update'), update: updateViewSchema }),
  z.object({ kind: z.literal('log'), lines: z.array(logLineSchema).max(500) }),
])
export type Change = z.infer<typeof changeSchema>

/** How many log lines a read model keeps in memory. */
export const LOG_KEPT = 5_000

/** The state after one change; what the change does not touch keeps its identity. Pure: host and window use the same function. */
export function applyChange(state: BenchState, change: Change): BenchState {
  switch (change.kind) {
    case 'bay':
      return { ...state, bays: placed(state.bays, change.bay, ({ bay }) => bay) }
    case 'bay-gone':
      return { ...state, bays: state.bays.filter(({ bay }) => bay !== change.id) }
    case 'bay-order':
      return { ...state, bays: ordered(state.bays, change.ids) }
    case 'job':
      return { ...state, jobs: placed(state.jobs, change.job, ({ id }) => id, 'first') }
    case 'job-gone':
      return { ...state, jobs: state.jobs.filter(({ id }) => id !== change.id) }
    case 'progress':
      return {
        ...state,
        jobs: state.jobs.map((job) => (job.id === change.id ? { ...job, progress: change.progress } : job)),
      }
    case 'rom':
      return { ...state, roms: placed(state.roms, change.rom, ({ id }) => id, 'first') }
    case 'rom-gone':
      return { ...state, roms: state.roms.filter(({ id }) => id !== change.id) }
    case 'firmware':
      return { ...state, firmware: { ...state.firmware, ...change.firmware } }
    case 'transfer':
      return withTransfers(
        state,
        placed(state.firmware.transfers, change.transfer, ({ id }) => id),
      )
    case 'transfer-gone':
      return withTransfers(
        state,
        state.firmware.transfers.filter(({ id }) => id !== change.id),
      )
    case 'session':
      return { ...state, session: change.session }
    case 'settings':
      return { ...state, settings: change.settings }
    case 'notices':
      return { ...state, notices: change.notices }
    case 'update':
      return { ...state, update: change.update }
    case 'log':
      return { ...state, log: [...state.log, ...change.lines].slice(-LOG_KEPT) }
    default:
      return missingCase(change)
  }
}

function withTransfers(state: BenchState, transfers: BenchState['firmware']['transfers']): BenchState {
  return { ...state, firmware: { ...state.firmware, transfers } }
}

/** In the place of the one with the same key, else at one end. */
function placed<T>(
  list: readonly T[],
  item: T,
  keyOf: (item: T) => string,
  newAt: 'first' | 'last' = 'last',
): T[] {
  const key = keyOf(item)
  if (list.some((other) => keyOf(other) === key))
    return list.map((other) => (keyOf(other) === key ? item : other))
  return newAt === 'first' ? [item, ...list] : [...list, item]
}

function ordered(bays: readonly BayView[], ids: readonly string[]): BayView[] {
  const place = new Map(ids.map((id, index) => [id, index]))
  const rank = ({ bay }: BayView) => place.get(bay) ?? ids.length
  return [...bays].sort((a, b) => rank(a) - rank(b))
}

export type { BayView, JobView, LogLine, RomView }
