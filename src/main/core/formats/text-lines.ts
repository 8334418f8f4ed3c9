import { type ErrorCode, SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'

export interface TextLine {
  /** Counted from 1. */
  readonly number: number
  /** Trimmed, never empty. */
  readonly text: string
}

/** Text files of packages have some dozens of lines. */
const MAX_TEXT = 1024 * 1024

/** The lines that say something, as plain text: no empty ones, no comments (`#`).
 * @throws SlotbenchError `code` when the bytes are not UTF-8 text of a sensible size. */
export function textLines(bytes: Uint8Array, code: ErrorCode): readonly TextLine[] {
  if (bytes.length > MAX_TEXT) throw new SlotbenchError(code, `the file is ${bytes.length} bytes long`)
  return decodeText(bytes, code)
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({ number: index + 1, text: plainText(line).trim() }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
}

function decodeText(bytes: Uint8Array, code: ErrorCode): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SlotbenchError(code, 'the file is not text', { cause: error })
  }
}
