// One reply of a fastboot terminal, as a sum type. Everything that is none of the five kinds is garbage.
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'

/** Today's limit; old bootloaders stop at 64 (AOSP fastboot README, "Transport and Framing"). */
export const MAX_RESPONSE_BYTES = 256

export type FastbootResponse =
  | { readonly kind: 'okay'; readonly text: string }
  | { readonly kind: 'fail'; readonly text: string }
  | { readonly kind: 'info'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  /** `size`: bytes of the data phase that follows, 0 to 2^32 - 1. */
  | { readonly kind: 'data'; readonly size: number }

const WORDS = { OKAY: 'okay', FAIL: 'fail', INFO: 'info', TEXT: 'text' } as const

/** Reads one reply.
 * @throws SlotbenchError `terminal-garbled` when it is none, or longer than any bootloader may send. */
export function parseResponse(bytes: Uint8Array): FastbootResponse {
  if (bytes.length > MAX_RESPONSE_BYTES)
    throw garbled(`a reply is longer than ${MAX_RESPONSE_BYTES} bytes: ${quote(bytes)}`)
  const word = latin1(bytes.subarray(0, 4))
  if (word === 'DATA') return { kind: 'data', size: dataSize(bytes) }
  if (!Object.hasOwn(WORDS, word)) throw garbled(`the reply is not fastboot: ${quote(bytes)}`)
  return { kind: WORDS[word as keyof typeof WORDS], text: readableText(bytes.subarray(4)) }
}

function dataSize(bytes: Uint8Array): number {
  // Bootloaders with fixed 64-byte replies pad with NULs.
  const digits = latin1(bytes.subarray(4)).replace(/[\0\s]+$/, '')
  if (!/^[0-9a-f]{8}$/i.test(digits)) throw garbled(`the size in a DATA reply is not one: ${quote(bytes)}`)
  return Number.parseInt(digits, 16)
}

const utf8 = new TextDecoder()

/** Text up to the first NUL, without control characters: it goes to screens and reports. */
function readableText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return plainText(utf8.decode(end < 0 ? bytes : bytes.subarray(0, end)))
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function quote(bytes: Uint8Array): string {
  const shown = latin1(bytes.subarray(0, 48)).replace(/[^\x20-\x7e]/g, '.')
  return `${JSON.stringify(shown)}${bytes.length > 48 ? ' …' : ''} (${bytes.length} bytes)`
}

/** What the terminal sent cannot be fastboot. */
export function garbled(detail: string): SlotbenchError {
  return new SlotbenchError('terminal-garbled', detail)
}
