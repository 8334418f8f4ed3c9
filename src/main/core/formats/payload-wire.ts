// Protobuf messages declared once as data: the declaration decodes, encodes and gives the TypeScript type.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { SlotbenchError } from '../../../shared/errors.ts'

type Scalar = 'u32' | 'f32' | 'u64' | 'bool' | 'text' | 'bytes'
interface Field {
  readonly no: number
  readonly type: Scalar | MessageSpec
  readonly repeated?: true
}
export interface MessageSpec {
  readonly [name: string]: Field
}

type ValueOf<T> = T extends 'u32' | 'f32' | 'u64'
  ? number
  : T extends 'bool'
    ? boolean
    : T extends 'text'
      ? string
      : T extends 'bytes'
        ? Uint8Array
        : T extends MessageSpec
          ? Message<T>
          : never
type InputOf<T> = T extends Scalar ? ValueOf<T> : T extends MessageSpec ? MessageInput<T> : never

/** A decoded message: repeated fields are arrays (perhaps empty), others are undefined when absent. */
export type Message<S extends MessageSpec> = {
  readonly [K in keyof S]: S[K] extends { repeated: true }
    ? readonly ValueOf<S[K]['type']>[]
    : ValueOf<S[K]['type']> | undefined
}
/** A message to encode: every field may be left out. */
export type MessageInput<S extends MessageSpec> = {
  readonly [K in keyof S]?:
    | (S[K] extends { repeated: true } ? readonly InputOf<S[K]['type']>[] : InputOf<S[K]['type']>)
    | undefined
}

/** Two bytes can stand for one object, so their number is bounded apart from the size of the manifest. */
const MAX_MESSAGES = 1_000_000

/** Fields that the declaration does not name are skipped.
 * @throws SlotbenchError `payload-invalid` for anything that is not such a message. */
export function decodeMessage<const S extends MessageSpec>(spec: S, bytes: Uint8Array): Message<S> {
  const count = { left: MAX_MESSAGES }
  try {
    // The declaration is what makes the record this type; nothing static can see that.
    return decode(spec, new BinaryReader(bytes), count) as Message<S>
  } catch (error) {
    if (error instanceof SlotbenchError) throw error
    const detail = error instanceof Error ? error.message : String(error)
    throw invalid(`the manifest is not a valid message (${detail})`, error)
  }
}

function decode(spec: MessageSpec, reader: BinaryReader, count: { left: number }): Record<string, unknown> {
  if (--count.left < 0) throw invalid(`the manifest holds more than ${MAX_MESSAGES} entries`)
  const byNumber = fieldsByNumber(spec)
  const message: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(spec)) message[name] = field.repeated ? [] : undefined
  while (reader.pos < reader.len) {
    const [no, wireType] = reader.tag()
    const known = byNumber.get(no)
    if (known === undefined) {
      reader.skip(wireType, no)
      continue
    }
    const value = decodeValue(known, wireType, reader, count)
    const list = message[known.name]
    if (Array.isArray(list)) list.push(value)
    else message[known.name] = value
  }
  return message
}

interface NamedField extends Field {
  readonly name: string
}

const numbered = new WeakMap<MessageSpec, ReadonlyMap<number, NamedField>>()

function fieldsByNumber(spec: MessageSpec): ReadonlyMap<number, NamedField> {
  const known = numbered.get(spec)
  if (known !== undefined) return known
  const made = new Map(Object.entries(spec).map(([name, field]) => [field.no, { ...field, name }] as const))
  numbered.set(spec, made)
  return made
}

function decodeValue(
  field: NamedField,
  wireType: WireType,
  reader: BinaryReader,
  count: { left: number },
): unknown {
  const expected = wireTypeOf(field.type)
  if (wireType !== expected) throw invalid(`field ${field.name} of the manifest has the wrong wire type`)
  switch (field.type) {
    case 'u32':
      return reader.uint32()
    case 'f32':
      return reader.fixed32()
    case 'u64':
      return safeNumber(field.name, BigInt(reader.uint64()))
    case 'bool':
      return reader.bool()
    case 'text':
      return reader.string(true)
    case 'bytes':
      return reader.bytes()
    default:
      return decode(field.type, new BinaryReader(reader.bytes()), count)
  }
}

function safeNumber(name: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalid(`field ${name} of the manifest is ${value}, which no genuine payload reaches`)
  return Number(value)
}

function wireTypeOf(type: Field['type']): WireType {
  if (type === 'f32') return WireType.Bit32
  return type === 'u32' || type === 'u64' || type === 'bool' ? WireType.Varint : WireType.LengthDelimited
}

export function encodeMessage<const S extends MessageSpec>(
  spec: S,
  message: MessageInput<S>,
): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  encode(spec, message as Readonly<Record<string, unknown>>, writer)
  return writer.finish()
}

function encode(spec: MessageSpec, message: Readonly<Record<string, unknown>>, writer: BinaryWriter): void {
  for (const [name, field] of Object.entries(spec)) {
    const value = message[name]
    if (value === undefined) continue
    for (const one of field.repeated ? (value as readonly unknown[]) : [value])
      encodeValue(field, one, writer)
  }
}

function encodeValue(field: Field, value: unknown, writer: BinaryWriter): void {
  writer.tag(field.no, wireTypeOf(field.type))
  switch (field.type) {
    case 'u32':
      writer.uint32(value as number)
      return
    case 'f32':
      writer.fixed32(value as number)
      return
    case 'u64':
      writer.uint64(value as number)
      return
    case 'bool':
      writer.bool(value as boolean)
      return
    case 'text':
      writer.string(value as string)
      return
    case 'bytes':
      writer.bytes(value as Uint8Array)
      return
    default:
      writer.fork()
      encode(field.type, value as Readonly<Record<string, unknown>>, writer)
      writer.join()
  }
}

function invalid(detail: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail, { cause })
}
