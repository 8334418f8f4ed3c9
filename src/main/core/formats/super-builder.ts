// Changes the layout of a super partition: partitions and groups come and go, grow into free space and shrink
// (AOSP liblp builder.cpp, MetadataBuilder).
import { SlotbenchError } from '../../../shared/errors.ts'
import {
  LP_SECTOR,
  type SuperBlockDevice,
  type SuperExtent,
  type SuperGeometry,
  type SuperGroup,
  type SuperMetadata,
  type SuperPartition,
} from './super-metadata.ts'
import { tablesSize } from './super-writer.ts'

/** Bits of a partition's attributes (liblp metadata_format.h). */
export const LP_ATTRIBUTE = { readOnly: 1, slotSuffixed: 2, updated: 4, disabled: 8 } as const
/** Of the header: the terminal uses Virtual A/B. */
export const LP_VIRTUAL_AB = 1
export const DEFAULT_GROUP = 'default'
/** The group in which updates keep what they have not merged yet (libsnapshot). */
export const COW_GROUP = 'cow'

export interface NewSuper {
  /** Bytes of the block device. */
  readonly size: number
  /** Default 64 KiB, as devices have it. */
  readonly metadataMaxSize?: number
  /** Metadata slots; lpmake is given 3 for Virtual A/B, 2 otherwise. */
  readonly metadataSlots: number
  /** Bytes; default 1 MiB, which is lpmake's. */
  readonly alignment?: number
  readonly logicalBlockSize?: number
  readonly virtualAb?: boolean
}

/** Sectors from `start` to before `end`. */
interface Region {
  readonly device: number
  readonly start: number
  readonly end: number
}

interface Draft {
  readonly name: string
  readonly group: string
  attributes: number
  extents: SuperExtent[]
}

export class SuperBuilder {
  readonly geometry: SuperGeometry
  readonly #flags: number
  readonly #minor: number
  readonly #devices: readonly SuperBlockDevice[]
  readonly #groups: SuperGroup[]
  #partitions: Draft[]

  private constructor(geometry: SuperGeometry, metadata: SuperMetadata) {
    this.geometry = geometry
    this.#flags = metadata.flags
    this.#minor = metadata.version.minor
    this.#devices = metadata.blockDevices
    this.#groups = [...metadata.groups]
    this.#partitions = metadata.partitions.map((partition) => ({
      ...partition,
      extents: [...partition.extents],
    }))
  }

  /** An empty super on one block device, with the group `default`.
   * @throws SlotbenchError `super-invalid` when the tables leave no room. */
  static create(options: NewSuper): SuperBuilder {
    const { size, metadataMaxSize = 65536, metadataSlots, alignment = 1024 * 1024 } = options
    const { logicalBlockSize = 4096, virtualAb = false } = options
    const geometry = {
      metadataMaxSize: alignUp(metadataMaxSize, LP_SECTOR),
      slotCount: metadataSlots,
      logicalBlockSize,
    }
    const firstByte = alignUp(tablesSize(geometry), alignment || logicalBlockSize)
    if (size % logicalBlockSize !== 0 || size < firstByte + logicalBlockSize)
      throw invalid(`a super of ${size} bytes, whose first partition would begin at ${firstByte}`)
    const device = { name: 'super', size, firstLogicalSector: firstByte / LP_SECTOR, alignment }
    return new SuperBuilder(geometry, {
      version: { major: 10, minor: virtualAb ? 2 : 0 },
      flags: virtualAb ? LP_VIRTUAL_AB : 0,
      partitions: [],
      groups: [{ name: DEFAULT_GROUP, flags: 0, maximumSize: 0 }],
      blockDevices: [{ ...device, alignmentOffset: 0, flags: 0 }],
    })
  }

  static from(geometry: SuperGeometry, metadata: SuperMetadata): SuperBuilder {
    return new SuperBuilder(geometry, metadata)
  }

  get partitions(): readonly SuperPartition[] {
    return this.#partitions.map((draft) => ({ ...draft, size: sizeOf(draft) }))
  }

  find(name: string): SuperPartition | undefined {
    return this.partitions.find((partition) => partition.name === name)
  }

  /** @param maximumSize bytes; 0 means no limit.
   * @throws SlotbenchError `super-invalid` when there is one of that name. */
  addGroup(name: string, maximumSize: number): this {
    if (this.#groups.some((group) => group.name === name)) throw invalid(`two groups ${name}`)
    this.#groups.push({ name, flags: 0, maximumSize })
    return this
  }

  /** Adds an empty partition.
   * @throws SlotbenchError `super-invalid` when the name is taken or empty, or the group is missing. */
  addPartition(name: string, group: string = DEFAULT_GROUP, attributes = 0): this {
    if (name === '' || this.#draft(name)) throw invalid(`cannot add a partition ${JSON.stringify(name)}`)
    if (!this.#groups.some((candidate) => candidate.name === group)) throw invalid(`no group ${group}`)
    this.#partitions.push({ name, group, attributes, extents: [] })
    return this
  }

  /** Does nothing when there is none of that name. */
  removePartition(name: string): this {
    this.#partitions = this.#partitions.filter((draft) => draft.name !== name)
    return this
  }

  setAttributes(name: string, attributes: number): this {
    this.#get(name).attributes = attributes
    return this
  }

  /** Rounds up to whole logical blocks, then takes free space or gives back the end; what stays keeps its place.
   * @throws SlotbenchError `super-space` when super or the group has no room; nothing is changed then. */
  resize(name: string, bytes: number): this {
    const draft = this.#get(name)
    const wanted = alignUp(bytes, this.geometry.logicalBlockSize)
    if (!Number.isSafeInteger(wanted) || wanted < 0) throw invalid(`${name} cannot have ${bytes} bytes`)
    const present = sizeOf(draft)
    if (wanted > present) {
      this.#checkGroup(draft, wanted - present)
      this.#grow(draft, (wanted - present) / LP_SECTOR)
    } else if (wanted < present) shrink(draft, (present - wanted) / LP_SECTOR)
    return this
  }

  /** Takes partitions of another table over, places and all, as an update of the tables without a wipe does.
   * @throws SlotbenchError `super-invalid` when the block devices differ or a partition is there already, `super-space` when a
   * group has no room. */
  importPartitions(from: SuperMetadata, names: ReadonlySet<string>): this {
    const same = (a: SuperBlockDevice, b: SuperBlockDevice | undefined) =>
      a.name === b?.name && a.size === b.size && a.firstLogicalSector === b.firstLogicalSector
    const devices = from.blockDevices
    if (devices.length !== this.#devices.length || !devices.every((d, i) => same(d, this.#devices[i])))
      throw invalid('the block devices of the two tables differ')
    for (const partition of from.partitions) {
      if (!names.has(partition.name)) continue
      if (!this.#draft(partition.name))
        this.addPartition(partition.name, partition.group, partition.attributes)
      const draft = this.#get(partition.name)
      if (draft.extents.length > 0) throw invalid(`${partition.name} is in both tables`)
      this.#checkGroup(draft, partition.size)
      draft.extents = [...partition.extents]
    }
    return this
  }

  /** Bytes that no partition takes and one could, alignment considered. */
  get freeBytes(): number {
    return this.#free().reduce((sum, region) => sum + (region.end - region.start) * LP_SECTOR, 0)
  }

  /** @throws SlotbenchError `super-space` when a group is larger than it may be. */
  build(): SuperMetadata {
    for (const group of this.#groups) {
      const used = this.#usedBy(group.name)
      if (group.maximumSize > 0 && used > group.maximumSize)
        throw noSpace(`group ${group.name} holds ${used} of at most ${group.maximumSize} bytes`)
    }
    const updated = this.#partitions.some(({ attributes }) => (attributes & ~3) !== 0)
    return {
      version: { major: 10, minor: Math.max(this.#minor, updated ? 1 : 0) },
      flags: this.#flags,
      partitions: this.partitions,
      groups: [...this.#groups],
      blockDevices: this.#devices,
    }
  }

  #draft(name: string): Draft | undefined {
    return this.#partitions.find((draft) => draft.name === name)
  }

  #get(name: string): Draft {
    return this.#draft(name) ?? fail(invalid(`no partition ${name}`))
  }

  /** Zero extents take no room on disk. */
  #usedBy(group: string): number {
    return this.#partitions
      .filter((draft) => draft.group === group)
      .flatMap(({ extents }) => extents)
      .reduce((sum, { kind, sectors }) => sum + (kind === 'linear' ? sectors * LP_SECTOR : 0), 0)
  }

  #checkGroup(draft: Draft, more: number): void {
    const group = this.#groups.find(({ name }) => name === draft.group)
    if (!group || group.maximumSize === 0) return
    const used = this.#usedBy(group.name)
    if (used + more > group.maximumSize)
      throw noSpace(
        `${draft.name} needs ${more} more bytes, its group ${group.name} has ${used} of ${group.maximumSize}`,
      )
  }

  #grow(draft: Draft, sectors: number): void {
    const free = this.#free()
    const found: Region[] = []
    let needed = sectors
    const take = (region: Region) => {
      const end = Math.min(region.end, region.start + needed)
      found.push({ ...region, end })
      needed -= end - region.start
    }
    const gap = this.#gapAfter(draft, free)
    if (gap) take(gap)
    const block = this.geometry.logicalBlockSize / LP_SECTOR
    for (const region of free) {
      const end = region.end - ((region.end - region.start) % block)
      if (needed > 0 && end > region.start) take({ ...region, end })
    }
    if (needed > 0) throw noSpace(`${draft.name} needs ${needed * LP_SECTOR} bytes more than super has free`)
    for (const region of found) append(draft, region)
  }

  /** The unaligned rest behind the last extent, which nobody else could use. */
  #gapAfter(draft: Draft, free: readonly Region[]): Region | undefined {
    const last = draft.extents.at(-1)
    if (last?.kind !== 'linear') return undefined
    const start = last.sourceSector + last.sectors
    const gap = { device: last.blockDevice, start, end: this.#aligned(last.blockDevice, start) }
    const size = (this.#devices[last.blockDevice]?.size ?? 0) / LP_SECTOR
    if (gap.end === start || gap.end > size) return undefined
    const taken = [...free, ...this.#used()].some(
      (region) => region.device === gap.device && region.start < gap.end && gap.start < region.end,
    )
    return taken ? undefined : gap
  }

  #used(): Region[] {
    return this.#partitions.flatMap(({ extents }) =>
      extents.flatMap(({ kind, blockDevice, sourceSector, sectors }) =>
        kind === 'linear' ? { device: blockDevice, start: sourceSector, end: sourceSector + sectors } : [],
      ),
    )
  }

  /** Gaps between extents, from the next aligned sector on. */
  #free(): Region[] {
    const used = this.#used()
    return this.#devices.flatMap(({ firstLogicalSector, size }, device) => {
      const last = Math.floor(size / LP_SECTOR)
      const edges = [
        { device, start: firstLogicalSector, end: firstLogicalSector },
        ...used.filter((region) => region.device === device),
        { device, start: last, end: last },
      ].toSorted((a, b) => a.start - b.start || a.end - b.end)
      return edges.slice(1).flatMap((current, i) => {
        const start = this.#aligned(device, edges[i]?.end ?? 0)
        return start < current.start ? { device, start, end: current.start } : []
      })
    })
  }

  #aligned(device: number, sector: number): number {
    const alignment = this.#devices[device]?.alignment ?? 0
    return Math.ceil(alignUp(sector * LP_SECTOR, alignment) / LP_SECTOR)
  }
}

function append(draft: Draft, { device, start, end }: Region): void {
  const last = draft.extents.at(-1)
  const joins =
    last?.kind === 'linear' && last.blockDevice === device && last.sourceSector + last.sectors === start
  if (joins) draft.extents.pop()
  draft.extents.push({
    kind: 'linear',
    sectors: end - start + (joins ? last.sectors : 0),
    sourceSector: joins ? last.sourceSector : start,
    blockDevice: device,
  })
}

function shrink(draft: Draft, sectors: number): void {
  let left = sectors
  while (left > 0) {
    const last = draft.extents.pop()
    if (!last) return
    if (last.sectors > left) draft.extents.push({ ...last, sectors: last.sectors - left })
    left -= Math.min(left, last.sectors)
  }
}

function sizeOf({ extents }: Draft): number {
  return extents.reduce((sum, { sectors }) => sum + sectors * LP_SECTOR, 0)
}

function alignUp(value: number, step: number): number {
  return step === 0 ? value : Math.ceil(value / step) * step
}

function fail(error: SlotbenchError): never {
  throw error
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('super-invalid', detail)
}

function noSpace(detail: string): SlotbenchError {
  return new SlotbenchError('super-space', detail)
}
