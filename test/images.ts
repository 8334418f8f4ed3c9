// Sources and images in memory, and what must hold for every reader of untrusted bytes.
import fc from 'fast-check'
import type { ByteSource, ImageSource } from '../src/main/core/source.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import { bytes } from '../src/shared/units.ts'

export const NEVER = new AbortController().signal

/** A byte source over `content`, with the errors of a real one. */
export function memorySource(content: Uint8Array, name = 'memory'): ByteSource {
  return {
    name,
    size: bytes(content.byteLength),
    read: async (offset, length) => {
      if (offset + length > content.byteLength)
        throw new SlotbenchError('source-truncated', `${name} ends before ${offset + length}`)
      return new Uint8Array(content.subarray(offset, offset + length))
    },
    close: async () => {},
  }
}

/** The bytes that an image stands for, from `from` on, holes as zeros; checks order, gaps and sizes on the way, and takes the
 * buffers away as a real consumer may. */
export async function expand(image: ImageSource, from = 0): Promise<Uint8Array> {
  const whole = new Uint8Array(image.size - from)
  let expected = from
  for await (const extent of image.extents({ signal: NEVER, from })) {
    if (extent.offset !== expected) throw new Error(`extent at ${extent.offset}, expected ${expected}`)
    const length = extent.kind === 'data' ? extent.bytes.byteLength : extent.length
    if (length <= 0 || (extent.kind === 'data' && length > 4 * 1024 * 1024))
      throw new Error(`length ${length}`)
    const at = extent.offset - from
    if (extent.kind === 'data') {
      whole.set(extent.bytes, at)
      // As the product's hasher does: the bytes go to another thread, and whoever made them sees them no more.
      structuredClone(extent.bytes.buffer, { transfer: [extent.bytes.buffer] })
    }
    if (extent.kind === 'fill')
      for (let i = 0; i < length; i++) whole[at + i] = (extent.word >>> ((i % 4) * 8)) & 0xff
    expected += length
  }
  if (expected !== image.size) throw new Error(`the image ended at ${expected} of ${image.size}`)
  return whole
}

/** Everything that an iteration gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What `run` gives, or the SlotbenchError it throws; anything else thrown fails the test. */
export async function outcome<T>(run: () => T | Promise<T>): Promise<T | SlotbenchError> {
  try {
    return await run()
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code !== 'internal') return thrown
    throw thrown
  }
}

/** Arbitrary bytes, and `valid` with some bytes changed, cut short or grown. */
export function damaged(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(valid.byteLength - 1), value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) })
  const edited = fc.array(edit, { minLength: 1, maxLength: 6 }).map((edits) => {
    const copy = new Uint8Array(valid)
    for (const { at, value } of edits) copy[at] = value
    return copy
  })
  const cut = fc.nat(valid.byteLength).map((length) => valid.slice(0, length))
  const grown = fc.uint8Array({ maxLength: 64 }).map((tail) => Uint8Array.from([...valid, ...tail]))
  return fc.oneof(edited, cut, grown, fc.uint8Array({ maxLength: 256 }))
}
