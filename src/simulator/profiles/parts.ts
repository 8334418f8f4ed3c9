// Building blocks that the profiles share: partition entries and rounding of sizes.
import { contentSize, STAGED_FROM, superSize } from '../super/factory-super.ts'
import type { DynamicProfile, PartitionProfile, ProfileOptions, TerminalProfile } from './types.ts'

export const KIB = 1024
export const MIB = 1024 * KIB

type Rest = Partial<Omit<PartitionProfile, 'name' | 'lun' | 'size' | 'slotted'>>

/** A partition with slots a and b. */
export function slottedPartition(name: string, lun: number, size: number, rest: Rest = {}): PartitionProfile {
  return { name, lun, size, slotted: true, verification: 'none', type: 'raw', ...rest }
}

/** A partition that exists once. */
export function onePartition(name: string, lun: number, size: number, rest: Rest = {}): PartitionProfile {
  return { name, lun, size, slotted: false, verification: 'none', type: 'raw', ...rest }
}

/** Scaled up for gigabyte tests; the others keep their size. */
const LARGE = new Set(['system', 'vendor', 'product', 'userdata'])

/** The profile with the sizes and limits the caller wants.
 * @throws RangeError when a size is not a positive number. */
export function withOptions(base: TerminalProfile, options: ProfileOptions): TerminalProfile {
  const resize = (partition: PartitionProfile): PartitionProfile => {
    const wanted =
      options.sizes?.[partition.name] ??
      partition.size * (LARGE.has(partition.name) ? (options.scale ?? 1) : 1)
    if (!(wanted > 0)) throw new RangeError(`partition ${partition.name} cannot have ${wanted} bytes`)
    return { ...partition, size: Math.ceil(wanted / base.sectorSize) * base.sectorSize }
  }
  const maxDownload = options.maxDownload ?? base.fastboot.maxDownload
  const sized: TerminalProfile = {
    ...base,
    partitions: base.partitions.map(resize),
    fastboot: { ...base.fastboot, maxDownload },
    ...(base.dynamic && { dynamic: withLimit(base.dynamic, options.maxDownload) }),
  }
  return options.sizes?.['super'] === undefined ? withSuper(sized) : sized
}

function withLimit(dynamic: DynamicProfile, maxDownload: number | undefined): DynamicProfile {
  if (maxDownload === undefined) return dynamic
  return { ...dynamic, fastbootd: { ...dynamic.fastbootd, maxDownload } }
}

/** Super is as large as what lies in it wants; where it holds one slot, userdata has room for what an update stages. */
function withSuper(profile: TerminalProfile): TerminalProfile {
  const { dynamic } = profile
  if (!dynamic) return profile
  const staged = dynamic.slotsInSuper === 1 ? STAGED_FROM + contentSize(profile, dynamic) : 0
  const partitions = profile.partitions.map((partition) => {
    if (partition.name === 'super') return { ...partition, size: superSize(profile, dynamic) }
    const size = Math.max(partition.size, staged)
    return partition.name === 'userdata' ? { ...partition, size } : partition
  })
  return { ...profile, partitions }
}
