// The data of a `read` command on its way from the storage.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { limited } from '../edl/edl-link.ts'
import { type FirehoseChannel, lastWords } from './channel.ts'
import { garbled, readDocument } from './xml.ts'

type Chunk = Uint8Array<ArrayBuffer>

/** A multiple of every packet size, and what the adapter of USB reads at a time. */
const READ_BYTES = 1024 * 1024
const MAX_EMPTY = 1_000

/** `total` bytes, as they come. The next read is under way while the caller works on what came.
 * @throws SlotbenchError `terminal-silent`, `terminal-refused` where the programmer stopped with words. */
export async function* readPayload(
  channel: FirehoseChannel,
  total: number,
  o: IoOptions,
): AsyncGenerator<Chunk, void, void> {
  const { link, deadlines } = channel
  link.unread(channel.takeRaw())
  let left = total
  let empty = 0
  let last: Chunk | undefined
  while (left > 0) {
    const piece = await nextPiece(channel, { left, last }, o)
    empty = piece.length === 0 ? empty + 1 : 0
    if (empty > MAX_EMPTY) throw garbled('the programmer sends nothing but empty packets')
    left -= piece.length
    if (left > 0) link.readAhead(limited(o, deadlines.readChunk), Math.min(left, READ_BYTES))
    last = piece
    if (piece.length > 0) yield piece
  }
}

async function nextPiece(
  channel: FirehoseChannel,
  { left, last }: { readonly left: number; readonly last: Chunk | undefined },
  o: IoOptions,
): Promise<Chunk> {
  try {
    return await channel.link.next(limited(o, channel.deadlines.readChunk), Math.min(left, READ_BYTES))
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code !== 'terminal-silent') throw error
    throw stopped(last, error) ?? error
  }
}

/** A programmer that cannot read on says so where its data should be, and then is silent. */
function stopped(last: Chunk | undefined, cause: SlotbenchError): SlotbenchError | undefined {
  const text = last === undefined || last.length > 65_536 ? '' : Buffer.from(last).toString('utf8')
  if (!text.startsWith('<?xml')) return undefined
  try {
    const elements = text
      .split(/(?<=<\/data>)/)
      .filter((document) => document.trim() !== '')
      .flatMap((document) => readDocument(document))
    const values = elements.map(({ attributes }) => attributes.get('value') ?? '')
    if (!values.includes('NAK')) return undefined
    const words = lastWords(values.filter((value) => value !== 'NAK'))
    return new SlotbenchError('terminal-refused', `read: ${words || 'stopped without a word'}`, { cause })
  } catch {
    return undefined
  }
}
