// The terminal of a bay, opened for work on single partitions, with the bay to itself meanwhile.
import type { BayWork } from '../../../shared/contract.ts'
import type { FlashSession } from '../../terminals/types.ts'
import type { Bench } from '../bench.ts'
import { withPartitions } from '../partition-session.ts'
import type { BayBoard } from './bay-board.ts'
import type { BayDesk } from './bay-desk.ts'
import type { Planner } from './planner.ts'
import type { SettingsStore } from './settings-store.ts'

export interface PartitionWorkParts {
  readonly bench: Bench
  readonly board: BayBoard
  readonly desk: BayDesk
  readonly settings: SettingsStore
  readonly planner: Planner
}

/** @throws SlotbenchError `bay-empty`, `bay-busy`, `terminal-wrong-mode`, and what opening throws. */
export function onPartitions<T>(
  { bench, board, desk }: PartitionWorkParts,
  bay: string,
  work: BayWork,
  task: (session: FlashSession, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return desk.take(bay, { yields: false }, (signal) =>
    board.working(bay, work, () => {
      const options = {
        signal,
        onWaiting: (waiting: Parameters<BayBoard['waiting']>[1]) => board.waiting(bay, waiting),
      }
      return withPartitions(bench, board.openable(bay), options, (session) => {
        board.learnt(bay, session.facts)
        return task(session, signal)
      })
    }),
  )
}
