// Single partitions of the terminal on a bay: one read into a file, one planned to be written from a file.
import { join, resolve } from 'node:path'
import type { PlanView, Result } from '../../../shared/contract.ts'
import type { Plan } from '../../../shared/plan.ts'
import { planWriteOf, readPartitionInto } from '../terminal-partitions.ts'
import { onPartitions, type PartitionWorkParts } from './partition-work.ts'

export interface PartitionFileOn {
  readonly bay: string
  readonly partition: string
  readonly path: string
}

export class PartitionDesk {
  readonly #parts: PartitionWorkParts

  constructor(parts: PartitionWorkParts) {
    this.#parts = parts
  }

  /** Into a new file of that folder: what was read before stays.
   * @throws SlotbenchError `bay-empty`, `bay-busy`, and what `readPartitionInto` throws. */
  async read({
    bay,
    partition,
    folder,
  }: Omit<PartitionFileOn, 'path'> & { readonly folder: string }): Promise<Result<'partitions.read'>> {
    const time = new Date().toISOString().replace(/[-:]|\..*/g, '')
    const into = join(resolve(folder), `${partition}-${time}.img`)
    const { file, ...read } = await onPartitions(this.#parts, bay, { kind: 'reading' }, (session, signal) =>
      readPartitionInto(session, { partition, file: into, signal }),
    )
    return { path: file, ...read }
  }

  /** For a window: the plan stays with the planner until it is started. */
  async makePlan(request: PartitionFileOn): Promise<PlanView> {
    return this.#parts.planner.keep(await this.plan(request))
  }

  /** Never for the slot that boots: whoever wants that says so on the command line.
   * @throws SlotbenchError `bay-empty`, `bay-busy`, and what `planWriteOf` throws. */
  plan({ bay, partition, path }: PartitionFileOn): Promise<Plan> {
    const { bench, settings } = this.#parts
    const { batteryLimit } = settings.settings
    return onPartitions(this.#parts, bay, { kind: 'planning' }, (session, signal) =>
      planWriteOf(bench, session, { partition, file: path, activeSlot: false, batteryLimit, signal }),
    )
  }
}
