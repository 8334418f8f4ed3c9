// The slot metadata of Unisoc and MediaTek terminals in `misc`, and the message that tells the bootloader what to boot.
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'

/** Byte offset of the bootloader control in the misc partition (AOSP bootloader_message.h: vendor space). */
export const BOOTLOADER_CONTROL_OFFSET = 0x800
export const BOOTLOADER_CONTROL_SIZE = 32
export const BOOTLOADER_MESSAGE_SIZE = 2048

const MAGIC = 0x42414342
const VERSION = 1
const MAX_SLOTS = 4
const SLOTS_AT = 12
const CRC_AT = 28

export interface ControlSlot {
  /** 0 (unbootable) to 15. */
  readonly priority: number
  /** 0 to 7. */
  readonly triesRemaining: number
  readonly successful: boolean
  readonly verityCorrupted: boolean
}

export interface BootloaderControl {
  /** Of the active slot, e.g. `_a`; at most three characters. */
  readonly suffix: string
  readonly version: number
  /** 1 to 4; `slots` holds as many. */
  readonly slotCount: number
  readonly recoveryTries: number
  /** AOSP boot HAL, MergeStatus: 0 none, 1 unknown, 2 snapshotted, 3 merging, 4 cancelled. */
  readonly mergeStatus: number
  readonly slots: readonly ControlSlot[]
}

/** @param bytes at least 32 bytes from BOOTLOADER_CONTROL_OFFSET of misc.
 * @throws SlotbenchError `bootctl-invalid` when magic, version, slot count or CRC-32 are wrong. */
export function parseBootloaderControl(bytes: Uint8Array): BootloaderControl {
  const reader = new RecordReader(bytes, 'little', 'bootctl-invalid')
  const suffix = reader.text(4)
  const magic = reader.u32()
  if (magic !== MAGIC) reader.fail(`no bootloader control: its magic is ${magic.toString(16)}`)
  const version = reader.u8()
  if (version !== VERSION) reader.fail(`bootloader control of unknown version ${version}`)
  // AOSP boot_control_definition.h packs nb_slot:3, recovery_tries_remaining:3 and merge_status:3 without padding,
  // so merge_status straddles the two bytes.
  const bits = reader.u16()
  const slotCount = bits & 7
  if (slotCount === 0 || slotCount > MAX_SLOTS) reader.fail(`bootloader control of ${slotCount} slots`)
  const slots: ControlSlot[] = []
  reader.seek(SLOTS_AT)
  for (let i = 0; i < slotCount; i++) slots.push(parseSlot(reader.u16()))
  const declared = reader.seek(CRC_AT).u32()
  const actual = crc32(bytes.subarray(0, CRC_AT))
  if (declared !== actual) reader.fail('the CRC-32 of the bootloader control does not match')
  return { suffix, version, slotCount, recoveryTries: (bits >> 3) & 7, mergeStatus: (bits >> 6) & 7, slots }
}

/** @returns 32 bytes for BOOTLOADER_CONTROL_OFFSET of misc.
 * @throws SlotbenchError `bootctl-invalid` when a value does not fit its field. */
export function encodeBootloaderControl(control: BootloaderControl): Uint8Array<ArrayBuffer> {
  const { suffix, slotCount, slots } = control
  if (slots.length !== slotCount) throw invalid(`${slotCount} slots announced, ${slots.length} given`)
  if (slotCount < 1 || slotCount > MAX_SLOTS) throw invalid(`${slotCount} slots`)
  if (!/^[ -~]{0,3}$/.test(suffix)) throw invalid(`slot suffix ${JSON.stringify(suffix)}`)
  const bytes = new Uint8Array(BOOTLOADER_CONTROL_SIZE)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(suffix))
  view.setUint32(4, MAGIC, true)
  view.setUint8(8, fits(control.version, 255, 'version'))
  const tries = fits(control.recoveryTries, 7, 'recovery tries')
  view.setUint16(9, slotCount | (tries << 3) | (fits(control.mergeStatus, 7, 'merge status') << 6), true)
  slots.forEach((slot, i) => {
    view.setUint16(SLOTS_AT + 2 * i, encodeSlot(slot), true)
  })
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT)), true)
  return bytes
}

export interface BootloaderMessage {
  /** `boot-recovery`, `boot-fastboot`, `bootonce-bootloader`, or empty. */
  readonly command: string
  readonly status: string
  /** The arguments for recovery, one a line. */
  readonly recovery: string
  readonly stage: string
}

/** @param bytes the first 2048 bytes of misc. Bytes after a NUL are ignored, as AOSP does.
 * @throws SlotbenchError `bootctl-invalid` when there are fewer. */
export function parseBootloaderMessage(bytes: Uint8Array): BootloaderMessage {
  const reader = new RecordReader(bytes, 'little', 'bootctl-invalid')
  if (reader.remaining < BOOTLOADER_MESSAGE_SIZE)
    reader.fail(`a bootloader message of ${reader.remaining} bytes`)
  const [command, status] = [reader.text(32), reader.text(32)]
  const [recovery, stage] = [reader.text(768), reader.text(32)]
  return { command, status, recovery, stage }
}

/** The first 2048 bytes of misc with a command and its arguments; what is kept there for others stays, a status goes.
 * @throws SlotbenchError `bootctl-invalid` when a text does not fit its field, or there are fewer bytes. */
export function withBootCommand(
  previous: Uint8Array,
  { command, recovery }: Pick<BootloaderMessage, 'command' | 'recovery'>,
): Uint8Array<ArrayBuffer> {
  if (previous.byteLength < BOOTLOADER_MESSAGE_SIZE)
    throw invalid(`a bootloader message of ${previous.byteLength} bytes`)
  const fields = new RecordWriter('little', 'bootctl-invalid').text(command, 32).zeros(32).text(recovery, 768)
  const bytes = new Uint8Array(previous.subarray(0, BOOTLOADER_MESSAGE_SIZE))
  bytes.set(fields.finish())
  return bytes
}

function parseSlot(bits: number): ControlSlot {
  return {
    priority: bits & 15,
    triesRemaining: (bits >> 4) & 7,
    successful: (bits & 0x80) !== 0,
    verityCorrupted: (bits & 0x100) !== 0,
  }
}

function encodeSlot(slot: ControlSlot): number {
  return (
    fits(slot.priority, 15, 'priority') |
    (fits(slot.triesRemaining, 7, 'tries remaining') << 4) |
    (slot.successful ? 0x80 : 0) |
    (slot.verityCorrupted ? 0x100 : 0)
  )
}

function fits(value: number, most: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw invalid(`${what} ${value} is not in 0..${most}`)
  return value
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('bootctl-invalid', detail)
}
