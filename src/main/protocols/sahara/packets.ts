// The packets of Sahara (zte-domain §4.1): little-endian words, of which the first two are the command and the whole length.
import { SlotbenchError } from '../../../shared/errors.ts'
import { RecordReader } from '../../core/formats/record-reader.ts'
import { RecordWriter } from '../../core/formats/record-writer.ts'

export const MODE = { imageTransfer: 0, imageDone: 1, memoryDebug: 2, command: 3 } as const
export type SaharaMode = (typeof MODE)[keyof typeof MODE]

/** What a terminal in command mode can be asked for. */
export const QUESTION = { serial: 1, hwId: 2, pkHash: 3, chipIdV3: 10 } as const
export type Question = (typeof QUESTION)[keyof typeof QUESTION]

/** The newest version that is spoken here; with a terminal the lower of both holds. */
export const HOST_VERSION = 3
/** Every version from this one on is understood. */
const LOWEST_VERSION = 1

const HEADER_BYTES = 8
/** The largest packet has 48 bytes; a terminal of a later version may add to it. */
const MAX_PACKET_BYTES = 4096

const ID = {
  hello: 0x01,
  helloResponse: 0x02,
  readData: 0x03,
  endOfImage: 0x04,
  done: 0x05,
  doneResponse: 0x06,
  reset: 0x07,
  resetResponse: 0x08,
  memoryDebug: 0x09,
  commandReady: 0x0b,
  switchMode: 0x0c,
  execute: 0x0d,
  executeResponse: 0x0e,
  executeData: 0x0f,
  memoryDebug64: 0x10,
  readData64: 0x12,
} as const

/** What a terminal says. */
export type SaharaPacket =
  | { readonly kind: 'hello'; readonly version: number; readonly mode: number }
  | { readonly kind: 'read'; readonly image: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'end-of-image'; readonly image: number; readonly status: number }
  | { readonly kind: 'done-response'; readonly complete: boolean }
  | { readonly kind: 'reset-response' }
  | { readonly kind: 'command-ready' }
  | { readonly kind: 'execute-response'; readonly question: number; readonly length: number }
  | { readonly kind: 'memory-debug' }

/** @returns the length of the packet that begins with these bytes, or undefined while that cannot be told.
 * @throws SlotbenchError `terminal-garbled`. */
export function packetLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const reader = new RecordReader(bytes, 'little', 'terminal-garbled')
  const id = reader.u32()
  const length = reader.u32()
  const least = LEAST_BYTES.get(id)
  if (least === undefined) return reader.fail(`Sahara has no packet ${id} from a terminal`)
  if (length < least || length > MAX_PACKET_BYTES)
    reader.fail(`a Sahara packet ${id} cannot have ${length} bytes`)
  return length
}

/** @param bytes one whole packet.
 * @throws SlotbenchError `terminal-garbled`. */
export function decodePacket(bytes: Uint8Array): SaharaPacket {
  const reader = new RecordReader(bytes, 'little', 'terminal-garbled')
  const id = reader.u32()
  reader.skip(4)
  const decode = DECODE.get(id)
  return decode ? decode(reader) : reader.fail(`Sahara has no packet ${id} from a terminal`)
}

interface PacketKind {
  readonly id: number
  readonly least: number
  readonly decode: (reader: RecordReader) => SaharaPacket
}

const FROM_TERMINAL: readonly PacketKind[] = [
  {
    id: ID.hello,
    least: 0x30,
    decode: (r) => ({ kind: 'hello', version: r.u32(), mode: r.skip(8).u32() }),
  },
  {
    id: ID.readData,
    least: 0x14,
    decode: (r) => ({ kind: 'read', image: r.u32(), offset: r.u32(), length: r.u32() }),
  },
  {
    id: ID.readData64,
    least: 0x20,
    decode: (r) => ({
      kind: 'read',
      image: r.size64('the image id'),
      offset: r.size64('the offset asked for'),
      length: r.size64('the length asked for'),
    }),
  },
  {
    id: ID.endOfImage,
    least: 0x10,
    decode: (r) => ({ kind: 'end-of-image', image: r.u32(), status: r.u32() }),
  },
  {
    id: ID.doneResponse,
    least: 0x0c,
    decode: (r) => ({ kind: 'done-response', complete: r.u32() !== 0 }),
  },
  { id: ID.resetResponse, least: 0x08, decode: () => ({ kind: 'reset-response' }) },
  { id: ID.commandReady, least: 0x08, decode: () => ({ kind: 'command-ready' }) },
  {
    id: ID.executeResponse,
    least: 0x10,
    decode: (r) => ({ kind: 'execute-response', question: r.u32(), length: r.u32() }),
  },
  { id: ID.memoryDebug, least: 0x10, decode: () => ({ kind: 'memory-debug' }) },
  { id: ID.memoryDebug64, least: 0x18, decode: () => ({ kind: 'memory-debug' }) },
]
const LEAST_BYTES = new Map(FROM_TERMINAL.map(({ id, least }) => [id, least]))
const DECODE = new Map(FROM_TERMINAL.map(({ id, decode }) => [id, decode]))

/** The reserved words must be zero: RedMagic 10 refuses anything else (zte-domain §4.1). */
export function helloResponse(version: number, mode: SaharaMode): Uint8Array<ArrayBuffer> {
  return packet(ID.helloResponse, [version, LOWEST_VERSION, 0, mode, 0, 0, 0, 0, 0, 0])
}

export const done = (): Uint8Array<ArrayBuffer> => packet(ID.done, [])
export const reset = (): Uint8Array<ArrayBuffer> => packet(ID.reset, [])
export const switchMode = (mode: SaharaMode): Uint8Array<ArrayBuffer> => packet(ID.switchMode, [mode])
export const execute = (question: Question): Uint8Array<ArrayBuffer> => packet(ID.execute, [question])
export const executeData = (question: Question): Uint8Array<ArrayBuffer> => packet(ID.executeData, [question])

function packet(id: number, words: readonly number[]): Uint8Array<ArrayBuffer> {
  const writer = new RecordWriter('little', 'internal').u32(id).u32(HEADER_BYTES + 4 * words.length)
  for (const word of words) writer.u32(word)
  return writer.finish()
}

export function garbled(detail: string): SlotbenchError {
  return new SlotbenchError('terminal-garbled', detail)
}
