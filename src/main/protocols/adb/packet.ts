// Packets of ADB as they stand on the wire: 24 bytes of header, then a payload (AOSP adb protocol.txt).
import type { AdbPacketData } from '@yume-chan/adb'
import { AdbCommand } from '@yume-chan/adb'

export const HEADER_BYTES = 24
/** What Slotbench announces, and so the longest payload that may come (AOSP adb.h, MAX_PAYLOAD). */
export const MAX_PAYLOAD = 1024 * 1024

export interface PacketHeader {
  readonly command: number
  readonly arg0: number
  readonly arg1: number
  readonly length: number
}

/** Asks for TLS; only the port of wireless debugging does (AOSP adb.h, A_STLS). */
export const START_TLS = 0x534c5453
const COMMANDS: ReadonlySet<number> = new Set([...Object.values(AdbCommand), START_TLS])

/** @param checksum the sum of the payload's bytes, for terminals that want one (before Android 9), else 0. */
export function encodeHeader(packet: AdbPacketData, checksum: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, packet.command, true)
  view.setUint32(4, packet.arg0, true)
  view.setUint32(8, packet.arg1, true)
  view.setUint32(12, packet.payload.length, true)
  view.setUint32(16, checksum, true)
  view.setInt32(20, ~packet.command, true)
  return bytes
}

/** Undefined for what is no header: another command, a wrong magic, or more payload than was ever agreed to. */
export function decodeHeader(bytes: Uint8Array, at = 0): PacketHeader | undefined {
  if (bytes.length - at < HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEADER_BYTES)
  const command = view.getUint32(0, true)
  const length = view.getUint32(12, true)
  const magic = view.getInt32(20, true)
  if (!COMMANDS.has(command) || magic !== ~command || length > MAX_PAYLOAD) return undefined
  return { command, arg0: view.getUint32(4, true), arg1: view.getUint32(8, true), length }
}

/** Where the next header begins, or how many bytes from the start surely hold none. */
export function findHeader(bytes: Uint8Array): { readonly at: number; readonly found: boolean } {
  const last = bytes.length - HEADER_BYTES
  for (let at = 0; at <= last; at++) if (decodeHeader(bytes, at)) return { at, found: true }
  return { at: Math.max(0, last + 1), found: false }
}
