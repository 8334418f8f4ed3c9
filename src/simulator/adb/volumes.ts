// The partitions of a slot as an update engine sees them: by base name, wherever they lie.
import type { Slot } from '../../shared/units.ts'
import type { Disk } from '../storage/disk.ts'

export interface Volume {
  /** Bytes. */
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** @throws PowerLost when the power went; the write is then torn. */
  write(offset: number, bytes: Uint8Array): Promise<void>
}

/** What a package wants of the logical partitions (update_metadata.proto, DynamicPartitionMetadata). */
export interface DynamicLayout {
  readonly groups: readonly {
    readonly name: string
    readonly size: number
    readonly partitions: readonly string[]
  }[]
  /** Bytes by base name, of every partition of the package. */
  readonly sizes: ReadonlyMap<string, number>
}

export interface Volumes {
  /** Makes room in `super` for the logical partitions of slot `target`; the other slot's stay as they are.
   * @returns why they do not fit, in words for the screen; undefined when all is well. */
  prepare(target: Slot | undefined, layout: DynamicLayout): Promise<string | undefined>
  /** @param slot undefined on terminals without slots. @returns undefined when there is no such partition. */
  open(base: string, slot: Slot | undefined): Promise<Volume | undefined>
  /** All is written and verified; called just before the slot is made active. */
  finish(target: Slot | undefined): Promise<void>
}

/** Partitions of the partition tables only. */
export function physicalVolumes(disk: Disk): Volumes {
  return {
    prepare: async () => undefined,
    finish: async () => {},
    async open(base, slot) {
      const partition = (slot && disk.find(`${base}_${slot}`)) ?? disk.find(base)
      if (partition === undefined) return undefined
      return {
        size: partition.size,
        read: (offset, length) => disk.read(partition, offset, length),
        write: (offset, bytes) => disk.write(partition, offset, bytes),
      }
    },
  }
}
