// The terminal that is measured with: a Qualcomm A/B phone whose large partitions have the sizes that a case needs.
import { profile } from '../../src/simulator/profiles/index.ts'
import type { TerminalProfile } from '../../src/simulator/profiles/types.ts'

export const OLD_BUILD = { build: 'bench-1', rollbackIndex: 1, seed: 1 }
export const NEW_BUILD = { build: 'bench-2', rollbackIndex: 2, seed: 2 }

export interface ProfileOrder {
  /** Bytes by partition base name. These partitions are not verified when the terminal boots. */
  readonly sizes: Readonly<Record<string, number>>
}

export function terminalProfile({ sizes }: ProfileOrder): TerminalProfile {
  const model = profile('nx679j', { sizes })
  const partitions = model.partitions.map((partition) =>
    partition.name in sizes ? { ...partition, verification: 'none' as const } : partition,
  )
  return { ...model, partitions }
}
