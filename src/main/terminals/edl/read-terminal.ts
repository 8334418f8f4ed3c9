// Everything that a terminal in EDL tells of itself, read once: tables, misc, super, and the verified-boot metadata that is installed.
import { asSlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { bytes, type Slot } from '../../../shared/units.ts'
import { VBMETA_MAX_SIZE } from '../../core/formats/vbmeta.ts'
import { type AvbFacts, readAvbFacts } from '../../core/rom/avb-facts.ts'
import type { ImageSource } from '../../core/source.ts'
import { findPartition, type PlacedPartition } from '../../core/storage/partitions.ts'
import { activeSlot, slotScheme } from '../../core/storage/slot-switch.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { EdlDisk } from '../types.ts'
import { type EdlReading, SUPER, slotStorage } from './facts.ts'
import { Misc } from './misc.ts'
import { readStorage, tablesOf } from './read-storage.ts'
import { offsetIn, SectorIo } from './sector-io.ts'
import { readSuperOn, type SuperPlace } from './super-on-terminal.ts'

/** @throws SlotbenchError `terminal-*`; what is damaged is a note, never an error: damaged terminals are what EDL is for. */
export async function readTerminal(firehose: Firehose, o: IoOptions): Promise<EdlReading> {
  const io = new SectorIo(firehose)
  const notes: string[] = []
  const disks = await readStorage(firehose, o)
  const misc = await attempt(notes, async () => await Misc.in(disks, io)?.read(o))
  const { memory, readOnly } = firehose.limits
  const digests = await canDigest(firehose, disks, o)
  const reading = {
    memory,
    writable: !readOnly,
    digests,
    disks,
    misc,
    super: undefined,
    avb: undefined,
    notes,
  }
  const where = await attempt(notes, async () => superPlaceOf(reading))
  const read = where && (await readSuperOn(io, where, o))
  if (where !== undefined && read === undefined) notes.push('the tables of super cannot be read')
  for (const damage of read?.damaged ?? []) notes.push(`super: ${damage}`)
  const avb = await attempt(notes, () => installedAvb(reading, io, notes, o))
  return { ...reading, super: read, avb }
}

/** Where super lies, and whose tables count in it; undefined when no partition table names it.
 * @throws SlotbenchError `gpt-invalid` when several do. */
export function superPlaceOf(reading: EdlReading): SuperPlace | undefined {
  const place = findPartition(tablesOf(reading.disks), SUPER)
  const lun = reading.disks.find((disk) => disk.lun === place?.range.lun)
  if (place === undefined || lun === undefined) return undefined
  const storage = slotStorage(reading)
  return { lun, place, active: activeSlot(storage), hasSlots: slotScheme(storage) !== 'none' }
}

/** Asked about one sector: what a programmer lists as its commands is not always what it does. */
async function canDigest(firehose: Firehose, disks: readonly EdlDisk[], o: IoOptions): Promise<boolean> {
  const [disk] = disks
  if (disk === undefined || disk.sectors === 0) return false
  const target = { lun: disk.lun, first: 0, count: 1, sectorSize: disk.sectorSize }
  return (await firehose.digest(target, o)) !== undefined
}

/** What vouches for the slot that boots: rollback indices, build, security patch level. */
async function installedAvb(
  reading: EdlReading,
  io: SectorIo,
  notes: string[],
  o: IoOptions,
): Promise<AvbFacts | undefined> {
  const active = activeSlot(slotStorage(reading))
  const find = (base: string) => {
    const place = findPartition(tablesOf(reading.disks), fullName(base, active))
    const lun = reading.disks.find((disk) => disk.lun === place?.range.lun)
    return place && lun && partitionImage(io, { place, disk: lun }, o)
  }
  return await readAvbFacts(find, o.signal, (partition, error) => {
    notes.push(`${fullName(partition, active)}: ${error.message}`)
  })
}

function fullName(base: string, slot: Slot | undefined): string {
  return slot === undefined ? base : `${base}_${slot}`
}

/** A partition as an image of which a few kilobytes are wanted: each run is one command that is read to its end. */
function partitionImage(
  io: SectorIo,
  { place, disk }: { readonly place: PlacedPartition; readonly disk: EdlDisk },
  o: IoOptions,
): ImageSource {
  return {
    size: bytes(place.size),
    sha256: undefined,
    async *extents({ signal, from = 0 }) {
      for (let offset = from; offset < place.size; offset += VBMETA_MAX_SIZE) {
        const length = Math.min(VBMETA_MAX_SIZE, place.size - offset)
        const range = { offset: offsetIn(place, offset), length }
        yield { kind: 'data', offset, bytes: await io.read(disk, range, { ...o, signal }) } as const
      }
    },
  }
}

const DAMAGE: ReadonlySet<string> = new Set([
  'gpt-invalid',
  'vbmeta-invalid',
  'bootctl-invalid',
  'terminal-refused',
])

async function attempt<T>(notes: string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (!DAMAGE.has(error.code)) throw error
    notes.push(error.message)
    return undefined
  }
}
