import { SlotbenchError } from '../../../shared/errors.ts'
import { bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'

/** `size` bytes of `parent` from `start` as a source of their own. Closing it leaves the parent open. */
export function sliceSource(
  parent: ByteSource,
  part: { readonly name: string; readonly start: number; readonly size: number },
): ByteSource {
  const { name, start, size } = part
  return {
    name,
    size: bytes(size),
    forwardOnly: parent.forwardOnly ?? false,
    part: { of: parent, start },
    async read(offset, length, signal) {
      if (offset < 0 || length < 0 || offset + length > size) throw beyondEnd(name, offset + length)
      return parent.read(start + offset, length, signal)
    },
    async close() {},
  }
}

export function beyondEnd(name: string, end: number): SlotbenchError {
  return new SlotbenchError('source-truncated', `${name} ends before byte ${end}`, {
    context: { file: name },
  })
}
