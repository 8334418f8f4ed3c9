// Which chip it is, asked in Sahara's command mode (zte-domain §4.1, §1.1).
import { asSlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { RecordReader } from '../../core/formats/record-reader.ts'
import type { SaharaChannel } from './channel.ts'
import { execute, executeData, QUESTION, type Question } from './packets.ts'

/** What the boot ROM told of the chip. Hexadecimal, lower case; any of it may be missing, for not every generation tells all. */
export interface ChipIdentity {
  /** Of Sahara, as the terminal announced it; undefined when its greeting was missed. */
  readonly protocolVersion: number | undefined
  /** 8 digits. The same as in the USB product string. */
  readonly chipSerial: string | undefined
  /** 16 digits: chip (8), maker (4; 0004 is ZTE), model (4; mostly 0000 on ZTE). */
  readonly hwId: string | undefined
  /** Digest of the root certificate that loaders have to be signed with: 64 or 96 digits. Zeros where no key is burnt in. */
  readonly pkHash: string | undefined
}

export const UNKNOWN_CHIP: ChipIdentity = {
  protocolVersion: undefined,
  chipSerial: undefined,
  hwId: undefined,
  pkHash: undefined,
}

/** Versions from this one on tell the hardware id in another record, and may refuse the old question. */
const CHIP_ID_VERSION = 3
/** The longest answer of interest has some hundred bytes; who announces more is not believed. */
const MAX_ANSWER_BYTES = 4096

/** Asks for everything; what is refused or makes no sense stays undefined.
 * @throws SlotbenchError `terminal-gone`, `terminal-garbled`, `cancelled`. */
export async function readIdentity(
  channel: SaharaChannel,
  version: number | undefined,
  o: IoOptions,
): Promise<ChipIdentity> {
  const asker = new Asker(channel, o)
  const serial = await asker.ask(QUESTION.serial)
  const isNew = version !== undefined && version >= CHIP_ID_VERSION
  const hwId = isNew
    ? (chipIdV3(await asker.ask(QUESTION.chipIdV3)) ?? hardwareId(await asker.ask(QUESTION.hwId)))
    : hardwareId(await asker.ask(QUESTION.hwId))
  const pkHash = await asker.ask(QUESTION.pkHash)
  return {
    protocolVersion: version,
    chipSerial: chipSerial(serial),
    hwId,
    pkHash: pkHash && oneDigest(pkHash),
  }
}

/** For messages: what a technician compares loaders by. */
export function identityWords({ hwId, pkHash }: ChipIdentity): string {
  return `hardware ID ${hwId ?? 'unknown'}, key hash ${pkHash ?? 'unknown'}`
}

class Asker {
  readonly #channel: SaharaChannel
  readonly #o: IoOptions
  #mute = false

  constructor(channel: SaharaChannel, o: IoOptions) {
    this.#channel = channel
    this.#o = o
  }

  /** Undefined when the terminal refuses; after one question that it left unanswered it is asked no more. */
  async ask(question: Question): Promise<Uint8Array | undefined> {
    if (this.#mute) return undefined
    try {
      await this.#channel.send(execute(question), this.#o)
      const answer = await this.#channel.hear(this.#o)
      // A refusal comes as the end of an image; command mode goes on.
      if (answer.kind !== 'execute-response' || answer.question !== question) return undefined
      if (answer.length === 0 || answer.length > MAX_ANSWER_BYTES) return undefined
      await this.#channel.send(executeData(question), this.#o)
      return await this.#channel.raw(answer.length, this.#o)
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code !== 'terminal-silent' || this.#o.deadline.expired) throw error
      this.#mute = true
      return undefined
    }
  }
}

function chipSerial(answer: Uint8Array | undefined): string | undefined {
  return answer === undefined || answer.length < 4 ? undefined : hex(word32(answer, 0), 8)
}

function hardwareId(answer: Uint8Array | undefined): string | undefined {
  if (answer === undefined || answer.length < 8) return undefined
  const id = new RecordReader(answer, 'little', 'terminal-garbled').u64()
  return id === 0n ? undefined : id.toString(16).padStart(16, '0')
}

/** Chip at byte 36, maker at 40 (or at 44 where that is empty), model at 42 (qdl). */
function chipIdV3(answer: Uint8Array | undefined): string | undefined {
  if (answer === undefined || answer.length < 44) return undefined
  const chip = word32(answer, 36)
  const oem = word16(answer, 40)
  const other = answer.length >= 46 ? word16(answer, 44) : 0
  const id = `${hex(chip, 8)}${hex(oem === 0 ? other : oem, 4)}${hex(word16(answer, 42), 4)}`
  return chip === 0 ? undefined : id
}

/** Terminals give the digest alone, several times over, or followed by zeros (zte-domain §4.1). */
function oneDigest(answer: Uint8Array): string {
  const all = Buffer.from(answer).toString('hex')
  for (const size of [32, 48]) {
    const first = all.slice(0, 2 * size)
    if (answer.length > size && all === first.repeat(Math.ceil(answer.length / size)).slice(0, all.length))
      return first
  }
  const filled = all.replace(/(00)+$/, '').length / 2
  const size = [32, 48, 64].find((bytes) => filled <= bytes && bytes <= answer.length) ?? answer.length
  return all.slice(0, 2 * size)
}

function word32(bytes: Uint8Array, at: number): number {
  return new RecordReader(bytes, 'little', 'terminal-garbled').seek(at).u32()
}

function word16(bytes: Uint8Array, at: number): number {
  return new RecordReader(bytes, 'little', 'terminal-garbled').seek(at).u16()
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
