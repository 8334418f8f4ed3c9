// patch*.xml of a Qualcomm EDL package: small values written over partition tables once the size of the disk is known
// (zte-domain §3.1).
import { SlotbenchError } from '../../../shared/errors.ts'
import { type DiskExpression, ExpressionError, parseDiskExpression } from './disk-expression.ts'
import type { SectorSize } from './gpt.ts'
import { ProgramAttributes } from './program-attributes.ts'
import { parseXml, type XmlElement } from './xml-elements.ts'

export type PatchValue =
  | { readonly kind: 'number'; readonly value: DiskExpression }
  /** CRC-32 (IEEE) of `length` bytes from the start of a sector: of the disk, or of the file that is patched. */
  | { readonly kind: 'crc32'; readonly start: DiskExpression; readonly length: number }

export interface PatchEntry {
  /** File and element, for messages. */
  readonly place: string
  /** Absent: it patches the disk. */
  readonly file: string | undefined
  readonly lun: number
  readonly sectorSize: SectorSize
  /** On the disk, or in the file. */
  readonly start: DiskExpression
  readonly byteOffset: number
  readonly size: 1 | 2 | 4 | 8
  readonly value: PatchValue
  /** As it was written. */
  readonly valueText: string
  readonly what: string
}

export interface PatchProgram {
  readonly file: string
  /** In the order in which they must be applied, after everything is programmed. */
  readonly entries: readonly PatchEntry[]
}

/** Partition arrays have 16 KiB. */
const MAX_CRC_LENGTH = 1024 * 1024

/** @throws SlotbenchError `rawprogram-invalid`, with file and element named. */
export function parsePatchProgram(bytes: Uint8Array, file: string): PatchProgram {
  const root = parseXml(bytes, file)
  if (root.name !== 'patches' && root.name !== 'data')
    throw new SlotbenchError('rawprogram-invalid', `${file}: its root element is ${root.name}, not patches`)
  return { file, entries: root.children.map((element) => parsePatch(element, file)) }
}

function parsePatch(element: XmlElement, file: string): PatchEntry {
  const attributes = new ProgramAttributes(element, file)
  if (element.name !== 'patch') throw attributes.fail('no element of that name is known')
  const target = attributes.fileName('filename') ?? attributes.missing('filename')
  const size = attributes.count('size_in_bytes')
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) throw attributes.fail(`a value of ${size} bytes`)
  const sectorSize = attributes.sectorSize()
  const byteOffset = attributes.count('byte_offset')
  if (byteOffset + size > sectorSize) throw attributes.fail(`byte ${byteOffset} lies beyond its sector`)
  const valueText = attributes.text('value') ?? attributes.missing('value')
  return {
    place: attributes.place,
    file: target === 'DISK' ? undefined : target,
    lun: attributes.lun(),
    sectorSize,
    start: attributes.start('start_sector', 1),
    byteOffset,
    size,
    value: parseValue(valueText, attributes),
    valueText,
    what: attributes.text('what') ?? '',
  }
}

function parseValue(text: string, attributes: ProgramAttributes): PatchValue {
  const crc = /^CRC32\s*\(([^,]*),([^,]*)\)\.?$/i.exec(text)
  if (crc === null) return { kind: 'number', value: attributes.parse('value', text) }
  const start = attributes.parse('value', crc[1] ?? '')
  const length = lengthOf(crc[2] ?? '')
  if (
    length === undefined ||
    start.fromDisk < 0 ||
    start.fromDisk > 1 ||
    (start.fromDisk === 0 && start.plus < 0)
  )
    throw attributes.fail(`the value ${JSON.stringify(text.slice(0, 80))} is no checksum of anything`)
  return { kind: 'crc32', start, length }
}

function lengthOf(text: string): number | undefined {
  try {
    const { fromDisk, plus } = parseDiskExpression(text)
    return fromDisk === 0 && plus > 0 && plus <= MAX_CRC_LENGTH ? plus : undefined
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return undefined
    throw thrown
  }
}
