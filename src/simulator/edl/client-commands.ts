// What the boot ROM tells of its chip in Sahara's command mode (zte-domain §4.1).
import type { EdlProfile } from '../profiles/edl-types.ts'

const CLIENT = {
  nop: 0,
  serial: 1,
  hardwareId: 2,
  pkHash: 3,
  sblVersion: 7,
  commands: 8,
  chipIdV3: 0x0a,
} as const
const ALL: readonly number[] = Object.values(CLIENT)
/** Bytes of the answer to 0xA; msm id at 36, OEM at 40, model at 42, another OEM at 44. */
const CHIP_ID_BYTES = 84

/** Undefined for commands that this boot ROM does not know. */
export function answerClientCommand(
  { chip, sahara }: EdlProfile,
  serial: number,
  command: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (sahara.refuses.includes(command)) return undefined
  switch (command) {
    case CLIENT.nop:
      return new Uint8Array(0)
    case CLIENT.serial:
      return words(serial)
    case CLIENT.sblVersion:
      return words(0)
    case CLIENT.commands:
      return words(...ALL.filter((known) => !sahara.refuses.includes(known)))
    case CLIENT.hardwareId:
      return words((chip.oemId << 16) | chip.modelId, chip.msmId)
    case CLIENT.pkHash:
      return repeated(Buffer.from(chip.pkHash, 'hex'), sahara.pkHashRepeats)
    case CLIENT.chipIdV3:
      return chipId(chip)
    default:
      return undefined
  }
}

function chipId({ msmId, oemId, modelId }: EdlProfile['chip']): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHIP_ID_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(36, msmId, true)
  view.setUint16(40, oemId, true)
  view.setUint16(42, modelId, true)
  view.setUint16(44, oemId, true)
  return bytes
}

function words(...values: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  values.forEach((value, i) => {
    view.setUint32(i * 4, value >>> 0, true)
  })
  return bytes
}

function repeated(bytes: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(Array.from({ length: times }, () => bytes)))
}
