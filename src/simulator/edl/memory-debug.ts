// After a crash: Sahara in its memory-debug mode, which gives memory out and takes nothing (zte-domain §4.1; qdl sahara.c).
import type { EdlProfile } from '../profiles/edl-types.ts'
import { randomBytesAt } from '../randomness.ts'
import {
  describePacket,
  type HostPacket,
  MAX_PACKET,
  packet,
  readPacket,
  SAHARA,
  SAHARA_MODE,
  SAHARA_STATUS,
  widePacket,
} from './sahara-packets.ts'
import type { Wire } from './wire.ts'

interface Region {
  readonly address: number
  readonly size: number
  readonly description: string
  readonly file: string
}

const REGIONS: readonly Region[] = [
  { address: 0x1468_0000, size: 0x1_0000, description: 'OCIMEM region', file: 'OCIMEM.BIN' },
  { address: 0x0b00_0000, size: 0x0_8000, description: 'RPM code RAM', file: 'CODERAM.BIN' },
  { address: 0x8000_0000, size: 0x40_0000, description: 'DDR CS0 part0', file: 'DDRCS0_0.BIN' },
]
const TABLE_ADDRESS = 0x1468_f000
/** Most that one answer to a read has. */
const PIECE = 1024 * 1024

/** Serves one host. @returns `reset` when it asks for one.
 * @throws LinkLost, Struck. */
export async function runMemoryDebug(edl: EdlProfile, wire: Wire): Promise<{ readonly kind: 'reset' }> {
  const { version, readBits } = edl.sahara
  const table = regionTable(readBits)
  await wire.write(packet(SAHARA.hello, version, 1, MAX_PACKET, SAHARA_MODE.memoryDebug, 1, 2, 3, 4, 5, 6))
  for (;;) {
    const bytes = await wire.read(MAX_PACKET)
    const asked = readPacket(bytes)
    if (!asked) continue
    const text = describePacket(asked)
    const faults = await wire.begin(text)
    await wire.executed(text, faults)
    const { command, body } = asked
    if (command === SAHARA.reset) {
      await wire.write(packet(SAHARA.resetResponse))
      return { kind: 'reset' }
    }
    if (command === SAHARA.switchMode) return wire.mute()
    if (command === SAHARA.helloResponse && body.byteLength === 40) {
      // Asked for anything else, it stops answering until it is switched off (zte-domain §2.2).
      if (body.getUint32(12, true) !== SAHARA_MODE.memoryDebug) return wire.mute()
      await wire.write(offer(readBits, table.length))
      continue
    }
    const range = readRange(asked)
    if (range && inMemory(range, table.length)) await giveMemory(wire, table, range)
    else
      await wire.write(
        packet(SAHARA.endOfImage, 0, range ? SAHARA_STATUS.invalidMemoryRead : SAHARA_STATUS.invalidCommand),
      )
  }
}

/** Where the table of what can be read lies. */
function offer(bits: 32 | 64, tableBytes: number): Uint8Array<ArrayBuffer> {
  return bits === 64
    ? widePacket(SAHARA.memoryDebug64, TABLE_ADDRESS, tableBytes)
    : packet(SAHARA.memoryDebug, TABLE_ADDRESS, tableBytes)
}

interface MemoryRange {
  readonly address: number
  readonly size: number
}

function readRange({ command, body }: HostPacket): MemoryRange | undefined {
  if (command === SAHARA.memoryRead && body.byteLength === 8)
    return { address: body.getUint32(0, true), size: body.getUint32(4, true) }
  if (command === SAHARA.memoryRead64 && body.byteLength === 16)
    return { address: Number(body.getBigUint64(0, true)), size: Number(body.getBigUint64(8, true)) }
  return undefined
}

function inMemory({ address, size }: MemoryRange, tableBytes: number): boolean {
  const places: readonly MemoryRange[] = [...REGIONS, { address: TABLE_ADDRESS, size: tableBytes }]
  return places.some((place) => address >= place.address && address + size <= place.address + place.size)
}

async function giveMemory(wire: Wire, table: Uint8Array, range: MemoryRange): Promise<void> {
  for (let at = 0; at < range.size; at += PIECE) {
    const bytes = new Uint8Array(Math.min(PIECE, range.size - at))
    const address = range.address + at
    randomBytesAt('memory of a crashed terminal', address, bytes)
    if (address >= TABLE_ADDRESS && address < TABLE_ADDRESS + table.length)
      bytes.set(table.subarray(address - TABLE_ADDRESS, address - TABLE_ADDRESS + bytes.length))
    await wire.write(bytes)
  }
  if (range.size % wire.packetBytes === 0) await wire.write(new Uint8Array(0))
}

/** Entries of 64 bytes (type, address, length; description and file of 20 each), or of 52 with 32-bit words. */
function regionTable(bits: 32 | 64): Uint8Array {
  return Buffer.concat(
    REGIONS.map(({ address, size, description, file }) => {
      const wide = bits === 64
      const entry = Buffer.alloc(wide ? 64 : 52)
      for (const [i, word] of [1, address, size].entries()) {
        if (wide) entry.writeBigUInt64LE(BigInt(word), i * 8)
        else entry.writeUInt32LE(word, i * 4)
      }
      const words = wide ? 24 : 12
      entry.write(description, words, 20, 'latin1')
      entry.write(file, words + 20, 20, 'latin1')
      return entry
    }),
  )
}
