// Whether the package's own tables of super have the place for it that the terminal's do not.
import { formatBytes } from '../../../shared/format.ts'
import type { StepOf } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { SuperChange } from './super-changes.ts'
import type { SuperRoom } from './super-room.ts'

export type NewTables =
  /** There are none, or they would not change anything. */
  | { readonly kind: 'useless' }
  /** They are for another super. */
  | { readonly kind: 'unfit'; readonly because: string }
  | { readonly kind: 'fit'; readonly step: Omit<StepOf<'update-super'>, 'id'> }

export interface NewTablesInput {
  readonly facts: TerminalFacts
  readonly rom: RomInfo
  /** What super holds besides the system that is given up. At most that is kept: without Virtual A/B everything of the other slot, with
   * it only what belongs to no slot (AOSP flashing.cpp, UpdateSuper). */
  readonly kept: SuperRoom
  readonly wanted: readonly SuperChange[]
}

export function newTables({ facts, rom, kept, wanted }: NewTablesInput): NewTables {
  const { superEmpty } = rom
  if (superEmpty === undefined) return { kind: 'useless' }
  const { name, sha256, tables } = superEmpty
  const superName = facts.superPartition?.value ?? 'super'
  const size = facts.partitions[superName]?.size ?? facts.superTables?.value.size
  // Smaller ones would be refused at the latest by the terminal, which loses nothing by that.
  if (size === undefined || tables.size > size) {
    const told = size === undefined ? 'one of unknown size' : formatBytes(size)
    return {
      kind: 'unfit',
      because: `they are for a super of ${formatBytes(tables.size)}, and this is ${told}`,
    }
  }
  const reached = wanted.reduce(
    (room, { partition, bytes }) => room.resized(partition, bytes),
    kept.under(tables),
  )
  if (!reached.fits || reached.overfullGroup !== undefined) return { kind: 'useless' }
  return { kind: 'fit', step: { kind: 'update-super', image: { name }, sha256, wipe: false } }
}
