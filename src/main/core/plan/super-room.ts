// The room in super as liblp counts it: each partition takes whole units of the alignment, each group has its own limit.
import type { RomInfo } from '../../../shared/rom.ts'
import type { SuperTables, TerminalFacts } from '../../../shared/terminal.ts'
import { SLOTS, splitSlot } from '../../../shared/units.ts'

interface Held {
  readonly bytes: number
  readonly group: string
}

/** What super holds; a value, every change gives a new one. */
export class SuperRoom {
  /** Bytes that partitions may take in all. */
  readonly capacity: number
  /** Worked out from sizes that the terminal tells, not read from its tables. */
  readonly assumed: boolean
  readonly #alignment: number
  /** Limits in bytes; a group without one is absent. */
  readonly #limits: ReadonlyMap<string, number>
  readonly #held: ReadonlyMap<string, Held>

  constructor(o: {
    readonly capacity: number
    readonly alignment: number
    readonly limits: ReadonlyMap<string, number>
    readonly held: ReadonlyMap<string, Held>
    readonly assumed: boolean
  }) {
    this.capacity = o.capacity
    this.assumed = o.assumed
    this.#alignment = o.alignment
    this.#limits = o.limits
    this.#held = o.held
  }

  get names(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** Bytes of a partition; undefined when there is none of that name. */
  sizeOf(name: string): number | undefined {
    return this.#held.get(name)?.bytes
  }

  /** Bytes that these partitions take up, rounded up to what cannot be shared. */
  taken(names: readonly string[] = this.names): number {
    return names.reduce((sum, name) => sum + this.rounded(this.#held.get(name)?.bytes ?? 0), 0)
  }

  rounded(bytes: number): number {
    return Math.ceil(bytes / this.#alignment) * this.#alignment
  }

  get fits(): boolean {
    return this.taken() <= this.capacity
  }

  /** A group that holds more than it may. */
  get overfullGroup(): { readonly name: string; readonly holds: number; readonly limit: number } | undefined {
    for (const [name, limit] of this.#limits) {
      const holds = [...this.#held.values()].reduce((sum, p) => sum + (p.group === name ? p.bytes : 0), 0)
      if (holds > limit) return { name, holds, limit }
    }
    return undefined
  }

  /** What is held now, but under other tables: their size and limits, and their group for each partition that they name. */
  under(tables: SuperTables): SuperRoom {
    const fresh = roomOf(tables)
    const kept = [...this.#held].map(
      ([name, { bytes, group }]) => [name, { bytes, group: fresh.#held.get(name)?.group ?? group }] as const,
    )
    return fresh.#with(new Map([...fresh.#held, ...kept]))
  }

  without(names: readonly string[]): SuperRoom {
    return this.#with(new Map([...this.#held].filter(([name]) => !names.includes(name))))
  }

  /** A partition that fastbootd makes is in the group `default`, which has no limit (AOSP commands.cpp, CreatePartitionHandler);
   * one that it resizes stays in its own. */
  resized(name: string, bytes: number): SuperRoom {
    const group = this.#held.get(name)?.group ?? 'default'
    return this.#with(new Map([...this.#held, [name, { bytes, group }]]))
  }

  #with(held: ReadonlyMap<string, Held>): SuperRoom {
    const { capacity, assumed } = this
    return new SuperRoom({ capacity, assumed, alignment: this.#alignment, limits: this.#limits, held })
  }
}

function roomOf({ size, firstByte, alignment, groups, partitions }: SuperTables): SuperRoom {
  const limits = groups.filter(({ maximum }) => maximum > 0)
  return new SuperRoom({
    capacity: wholeUnits(size - firstByte, alignment),
    alignment,
    limits: new Map(limits.map(({ name, maximum }) => [name, maximum])),
    held: new Map(partitions.map(({ name, group, bytes }) => [name, { bytes, group }])),
    assumed: false,
  })
}

/** Where nothing else is known: lpmake's alignment, and as much for metadata before the first partition. */
const USUAL_UNIT = 1024 * 1024
/** No table could be tighter: liblp's block. */
export const LEAST_UNIT = 4096

/** Undefined when the terminal does not tell how large its super is, or a partition in it.
 * @param rom stands in for the terminal's groups, where its tables cannot be read.
 * @param unit bytes, stands in for its alignment then. */
export function superRoom(
  facts: TerminalFacts,
  rom: RomInfo,
  unit: number = USUAL_UNIT,
): SuperRoom | undefined {
  const tables = facts.superTables?.value
  if (tables !== undefined) return roomOf(tables)
  const size = facts.partitions[facts.superPartition?.value ?? 'super']?.size
  if (size === undefined || size === 0) return undefined
  const inside = Object.entries(facts.partitions).filter(([, { logical }]) => logical === true)
  if (inside.some(([, partition]) => partition.size === undefined)) return undefined
  const groupOf = (name: string) => {
    const { base, slot } = splitSlot(name)
    const group = rom.dynamicGroups.find(({ partitions }) => partitions.includes(base))?.name
    return group === undefined ? 'default' : groupName(group, slot)
  }
  return new SuperRoom({
    capacity: wholeUnits(size - unit, unit),
    alignment: unit,
    limits: new Map(
      rom.dynamicGroups
        .filter((group) => group.size > 0)
        .flatMap((group) =>
          [...SLOTS, undefined].map((slot) => [groupName(group.name, slot), group.size] as const),
        ),
    ),
    held: new Map(inside.map(([name, facts_]) => [name, { bytes: facts_.size ?? 0, group: groupOf(name) }])),
    assumed: true,
  })
}

function groupName(base: string, slot: string | undefined): string {
  return slot === undefined ? base : `${base}_${slot}`
}

function wholeUnits(bytes: number, unit: number): number {
  return Math.max(0, Math.floor(bytes / unit) * unit)
}
