// How full super is, group by group, from its tables or, where those cannot be read, from the sizes that the terminal tells.
import type { TerminalFacts } from '../../../../shared/terminal.ts'

/** All sizes in bytes. */
export interface SuperUsage {
  readonly size: number
  readonly taken: number
  /** What partitions may still take. */
  readonly free: number
  /** `estimate`: alignment and metadata are not counted, because the tables could not be read. */
  readonly from: 'tables' | 'estimate'
  readonly groups: readonly {
    readonly name: string
    readonly taken: number
    /** Absent for a group without a limit. */
    readonly limit?: number
    readonly free?: number
  }[]
}

/** Undefined for a terminal without super, or one that does not tell its size. */
export function superUsage(facts: TerminalFacts): SuperUsage | undefined {
  return fromTables(facts) ?? fromSizes(facts)
}

function fromTables({ superTables }: TerminalFacts): SuperUsage | undefined {
  if (superTables === undefined) return undefined
  const { size, firstByte, alignment, groups, partitions } = superTables.value
  const rounded = (bytes: number) => Math.ceil(bytes / alignment) * alignment
  const taken = sum(partitions.map(({ bytes }) => rounded(bytes)))
  return {
    ...{ size, taken, free: Math.max(0, size - firstByte - taken), from: 'tables' },
    groups: groups.map(({ name, maximum }) => {
      const held = sum(partitions.filter(({ group }) => group === name).map(({ bytes }) => bytes))
      const limited = maximum === 0 ? {} : { limit: maximum, free: Math.max(0, maximum - held) }
      return { name, taken: held, ...limited }
    }),
  }
}

function fromSizes({ partitions, superPartition }: TerminalFacts): SuperUsage | undefined {
  const size = partitions[superPartition?.value ?? 'super']?.size
  const inside = Object.values(partitions).filter(({ logical }) => logical === true)
  if (size === undefined || size === 0 || inside.length === 0) return undefined
  const known = inside.map((partition) => partition.size)
  if (known.includes(undefined)) return undefined
  const taken = sum(known.map((bytes) => bytes ?? 0))
  return { size, taken, free: Math.max(0, size - taken), from: 'estimate', groups: [] }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
