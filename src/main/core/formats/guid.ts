// GUIDs as GPT stores them: the first three groups little endian, the other two as written (UEFI, appendix A).
import { SlotbenchError } from '../../../shared/errors.ts'

/** Where each byte of the text stands in the stored form. */
const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0').toUpperCase())

/** @param bytes 16 bytes. @returns upper-case text, as sgdisk prints it. */
export function guidText(bytes: Uint8Array): string {
  let hex = ''
  for (const i of ORDER) hex += HEX[bytes[i] ?? 0]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** @throws SlotbenchError `gpt-invalid` when the text is not a GUID. */
export function guidBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text))
    throw new SlotbenchError('gpt-invalid', `not a GUID: ${text.slice(0, 80)}`)
  const hex = text.replaceAll('-', '')
  const bytes = new Uint8Array(16)
  ORDER.forEach((place, i) => {
    bytes[place] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)
  })
  return bytes
}
