// What boot control keeps in misc about an update that is staged in snapshots (AOSP bootloader_message.h,
// misc_virtual_ab_message; zte-domain §4.5).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Slot } from '../../../shared/units.ts'
import { RecordReader } from './record-reader.ts'

/** Byte offset in misc (system space). */
export const VIRTUAL_AB_OFFSET = 32 * 1024
export const VIRTUAL_AB_SIZE = 64

/** As MergeStatus of the boot HAL numbers them. */
const STATUSES = ['none', 'unknown', 'snapshotted', 'merging', 'cancelled'] as const
export type MergeStatus = (typeof STATUSES)[number]

export interface VirtualAbMessage {
  readonly status: MergeStatus
  /** The slot that ran when the status was written. */
  readonly source: Slot
}

const MAGIC = 0x56740ab0
const VERSION = 2
const STATUS_AT = 5

/** @param bytes 64 bytes from VIRTUAL_AB_OFFSET.
 * @returns undefined when there is no message: nothing was ever staged. */
export function parseVirtualAbMessage(bytes: Uint8Array): VirtualAbMessage | undefined {
  const reader = new RecordReader(bytes, 'little', 'bootctl-invalid')
  if (reader.remaining < VIRTUAL_AB_SIZE) reader.fail(`a virtual A/B message of ${reader.remaining} bytes`)
  if (reader.u8() !== VERSION || reader.u32() !== MAGIC) return undefined
  const status = STATUSES[reader.u8()] ?? 'unknown'
  return { status, source: reader.u8() === 1 ? 'b' : 'a' }
}

/** The message with another status; everything else in it stays.
 * @throws SlotbenchError `bootctl-invalid` when there is no message. */
export function withMergeStatus(bytes: Uint8Array, status: MergeStatus): Uint8Array<ArrayBuffer> {
  if (parseVirtualAbMessage(bytes) === undefined)
    throw new SlotbenchError('bootctl-invalid', 'misc holds no virtual A/B message')
  const changed = new Uint8Array(bytes.subarray(0, VIRTUAL_AB_SIZE))
  changed[STATUS_AT] = STATUSES.indexOf(status)
  return changed
}
