// What planning needs of the metadata of a super, whether it was read from a terminal or from a package.
import type { SuperTables } from '../../../shared/terminal.ts'
import { partitionName } from '../../../shared/units.ts'
import { LP_SECTOR, type SuperMetadata } from './super-metadata.ts'

/** liblp's default where a device asks for none. */
const DEFAULT_ALIGNMENT = 1024 * 1024

/** Undefined when super lies on several block devices (retrofitted terminals), or holds a partition that no fastboot command could
 * name. */
export function superTables(metadata: SuperMetadata): SuperTables | undefined {
  const [device, ...others] = metadata.blockDevices
  if (device === undefined || others.length > 0) return undefined
  if (!metadata.partitions.every(({ name }) => isNameable(name))) return undefined
  const firstByte = device.firstLogicalSector * LP_SECTOR
  if (!Number.isSafeInteger(firstByte)) return undefined
  return {
    size: device.size,
    firstByte,
    alignment: device.alignment > 0 ? device.alignment : DEFAULT_ALIGNMENT,
    groups: metadata.groups.map(({ name, maximumSize }) => ({ name, maximum: maximumSize })),
    partitions: metadata.partitions.map(({ name, group, size }) => ({ name, group, bytes: size })),
  }
}

function isNameable(name: string): boolean {
  try {
    return partitionName(name) === name
  } catch {
    return false
  }
}
