// rawprogram*.xml of a Qualcomm EDL package: which file goes to which sectors of which LUN (zte-domain §3.1).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { DiskExpression } from './disk-expression.ts'
import type { SectorSize } from './gpt.ts'
import { ProgramAttributes } from './program-attributes.ts'
import { parseXml, type XmlElement } from './xml-elements.ts'

/** Whole sectors of one LUN; the number 0 stands for "to the end of the disk", as for a partition that grows. */
interface Sectors {
  /** File and element, for messages. */
  readonly place: string
  readonly lun: number
  readonly sectorSize: SectorSize
  readonly start: DiskExpression
  readonly sectors: number
}

export interface ProgramEntry extends Sectors {
  readonly kind: 'program'
  readonly label: string
  /** Absent: the element only describes the partition. */
  readonly file: string | undefined
  /** Sectors of the file that are passed over. */
  readonly fileSectorOffset: number
  readonly sparse: boolean
  /** Of a group of elements that are one image to the maker (partition tables). */
  readonly partOfSingleImage: boolean
  readonly readBackVerify: boolean
}

/** `erase` and `zeroout` clear, `read` saves into a file. */
export interface RangeEntry extends Sectors {
  readonly kind: 'erase' | 'zeroout' | 'read'
  readonly file: string | undefined
}

export type RawprogramEntry = ProgramEntry | RangeEntry

export interface Rawprogram {
  readonly file: string
  readonly entries: readonly RawprogramEntry[]
  /** What it says besides and contradicts itself in; programmers do not look at it. */
  readonly notes: readonly string[]
}

/** Attributes that only NAND programmers know (zte-domain §3.1). */
const NAND_ONLY = ['PAGES_PER_BLOCK', 'last_sector', 'BLOCK_SIZE_IN_BYTES', 'PAGE_SIZE_IN_BYTES']

/** @param file its name, for messages.
 * @throws SlotbenchError `rawprogram-invalid`, with file and element named. */
export function parseRawprogram(bytes: Uint8Array, file: string): Rawprogram {
  const root = parseXml(bytes, file)
  if (root.name !== 'data')
    throw new SlotbenchError('rawprogram-invalid', `${file}: its root element is ${root.name}, not data`)
  const notes: string[] = []
  return { file, entries: root.children.map((element) => parseEntry(element, file, notes)), notes }
}

function parseEntry(element: XmlElement, file: string, notes: string[]): RawprogramEntry {
  const attributes = new ProgramAttributes(element, file)
  refuseNand(element, attributes)
  switch (element.name) {
    case 'program':
      return parseProgram(attributes, notes)
    case 'erase':
    case 'zeroout':
    case 'read':
      return parseRange(element.name, attributes)
    default:
      throw attributes.fail('no element of that name is known')
  }
}

/** Pages and blocks are another world: bad blocks, MIBIB and its own checks, none of which is done here. */
function refuseNand(element: XmlElement, attributes: ProgramAttributes): void {
  const found = NAND_ONLY.filter((name) => element.attributes.has(name))
  if (found.length > 0)
    throw attributes.fail(
      `${found.join(' and ')} belong to NAND storage (modems and hotspots), whose packages Slotbench does not write`,
    )
}

function parseSectors(attributes: ProgramAttributes): Sectors {
  const sectors = attributes.count('num_partition_sectors')
  return {
    place: attributes.place,
    lun: attributes.lun(),
    sectorSize: attributes.sectorSize(),
    start: attributes.start('start_sector', sectors),
    sectors,
  }
}

function parseProgram(attributes: ProgramAttributes, notes: string[]): ProgramEntry {
  const where = parseSectors(attributes)
  notes.push(...contradictions(attributes, where))
  return {
    kind: 'program',
    ...where,
    label: attributes.text('label') ?? '',
    file: attributes.fileName('filename'),
    fileSectorOffset: attributes.count('file_sector_offset', 0),
    sparse: attributes.flag('sparse'),
    partOfSingleImage: attributes.flag('partofsingleimage'),
    readBackVerify: attributes.flag('readbackverify'),
  }
}

/** An erase without a length would clear the whole LUN (zte-domain §4.2.3), so 0 is refused there. */
function parseRange(kind: RangeEntry['kind'], attributes: ProgramAttributes): RangeEntry {
  const where = parseSectors(attributes)
  if (where.sectors === 0 && kind !== 'read') throw attributes.fail('it would clear the whole LUN')
  return { kind, ...where, file: kind === 'read' ? attributes.fileName('filename') : undefined }
}

/** `size_in_KB` and `start_byte_hex` say the same once more, for people; the sectors count. People who mend a package by hand leave
 * them as they were (zte-domain §5, pain 9), so a difference is told and no reason to refuse. */
function contradictions(attributes: ProgramAttributes, where: Sectors): string[] {
  const found: string[] = []
  const size = attributes.text('size_in_KB')
  const bytes = where.sectors * where.sectorSize
  if (size !== undefined && Number.isNaN(Number(size))) throw attributes.fail(`size_in_KB is ${size}`)
  if (size !== undefined && Math.abs(Number(size) * 1024 - bytes) >= 1024)
    found.push(
      `${attributes.place}: size_in_KB says ${size}, its ${where.sectors} sectors are ${bytes / 1024} KB.`,
    )
  const start = attributes.expression('start_byte_hex')
  const expected = {
    fromDisk: where.start.fromDisk * where.sectorSize,
    plus: where.start.plus * where.sectorSize,
  }
  if (start !== undefined && (start.fromDisk !== expected.fromDisk || start.plus !== expected.plus))
    found.push(`${attributes.place}: start_byte_hex says ${start.text}, start_sector ${where.start.text}.`)
  return found
}
