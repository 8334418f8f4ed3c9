// The boot ROM's download mode: Sahara from the terminal's side, up to the loader that it checks and starts (zte-domain §4.1).
import type { CommandFaults } from '../fault-injector.ts'
import type { EdlProfile } from '../profiles/edl-types.ts'
import { answerClientCommand } from './client-commands.ts'
import {
  BadImage,
  ELF_HEADER_BYTES,
  IMAGE_STATUS,
  type ImageStatus,
  imageStatus,
  readElfHeader,
  readProgramHeaders,
} from './loader-file.ts'
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
import { decodeTraits, type ProgrammerTraits } from './traits.ts'
import type { Wire } from './wire.ts'

export type RomOutcome =
  | { readonly kind: 'programmer'; readonly traits: ProgrammerTraits }
  | { readonly kind: 'reset' }
  /** It runs into code that is none: nothing answers any more. */
  | { readonly kind: 'mute' }
  | { readonly kind: 'leaves-bus' }

interface Chip {
  readonly edl: EdlProfile
  /** u32 of the chip. */
  readonly serial: number
}

/** Thrown by a host's RESET wherever the boot ROM waits. */
class ResetAsked extends Error {}
/** Thrown by RESET_STATE_MACHINE and SWITCH_MODE: back to HELLO. */
class StartOver extends Error {}

/** Serves one host from HELLO on.
 * @throws LinkLost, Struck, PowerLost. */
export async function runBootRom(chip: Chip, wire: Wire): Promise<RomOutcome> {
  const rom = new BootRom(chip, wire)
  for (;;) {
    try {
      const outcome = await rom.session()
      if (outcome) return outcome
    } catch (thrown) {
      if (thrown instanceof ResetAsked) return { kind: 'reset' }
      if (!(thrown instanceof StartOver)) throw thrown
    }
  }
}

/** What the host wants done next, counted and announced. */
interface Asked {
  readonly packet: HostPacket
  readonly text: string
  readonly faults: CommandFaults
}

class BootRom {
  readonly #edl: EdlProfile
  readonly #serial: number
  readonly #wire: Wire
  /** What HELLO offers: SWITCH_MODE changes it. */
  #mode: number = SAHARA_MODE.imagePending
  /** Images already taken. */
  #taken = 0

  constructor({ edl, serial }: Chip, wire: Wire) {
    this.#edl = edl
    this.#serial = serial
    this.#wire = wire
  }

  /** From one HELLO to the next. */
  async session(): Promise<RomOutcome | undefined> {
    const { version } = this.#edl.sahara
    const hello = [version, 1, MAX_PACKET, this.#mode, 1, 2, 3, 4, 5, 6]
    if (this.#wire.injector.hello()) await this.#wire.write(packet(SAHARA.hello, ...hello))
    for (;;) {
      const asked = await this.#ask()
      if (asked.packet.command !== SAHARA.helloResponse) {
        await this.#refuse(asked, SAHARA_STATUS.invalidCommand)
        continue
      }
      const mode = await this.#greeted(asked)
      if (mode === SAHARA_MODE.command) return this.#commandMode(asked)
      if (mode === SAHARA_MODE.imagePending) return this.#image(asked)
    }
  }

  /** @returns the mode to go to; undefined when the answer was refused. */
  async #greeted(asked: Asked): Promise<number | undefined> {
    const { body, length } = asked.packet
    const refuse = async (status: number) => {
      await this.#refuse(asked, status)
      return undefined
    }
    if (length !== 0x30) return refuse(SAHARA_STATUS.packetSize)
    const [version, compatible, mode] = [0, 4, 12].map((at) => body.getUint32(at, true))
    // The lower version of both is spoken from here on, if both can.
    if (version === 0 || (compatible ?? 0) > this.#edl.sahara.version)
      return refuse(SAHARA_STATUS.badHostProtocol)
    const reserved = Array.from({ length: 6 }, (_, i) => body.getUint32(16 + i * 4, true))
    if (this.#edl.sahara.strictReserved && reserved.some((word) => word !== 0)) return this.#wire.mute()
    if (mode === SAHARA_MODE.memoryDebug) return refuse(SAHARA_STATUS.memoryDebugUnsupported)
    if (mode !== SAHARA_MODE.command && mode !== SAHARA_MODE.imagePending)
      return refuse(SAHARA_STATUS.invalidHostMode)
    return mode
  }

  async #commandMode(greeting: Asked): Promise<undefined> {
    await this.#answer(greeting, packet(SAHARA.commandReady))
    for (;;) {
      const asked = await this.#ask()
      const { command, body } = asked.packet
      const client = body.byteLength >= 4 ? body.getUint32(0, true) : -1
      if (command === SAHARA.switchMode) {
        if (await this.#switched(asked, client)) return undefined
        continue
      }
      const answer = answerClientCommand(this.#edl, this.#serial, client)
      if (command !== SAHARA.execute) await this.#refuse(asked, SAHARA_STATUS.invalidCommand)
      else if (!answer) await this.#refuse(asked, SAHARA_STATUS.unsupportedCommand)
      else await this.#execute(asked, client, answer)
    }
  }

  /** @returns whether HELLO comes next. */
  async #switched(asked: Asked, mode: number): Promise<boolean> {
    if (mode !== SAHARA_MODE.imagePending && mode !== SAHARA_MODE.command) {
      await this.#refuse(asked, SAHARA_STATUS.invalidModeSwitch)
      return false
    }
    await this.#wire.executed(asked.text, asked.faults)
    this.#mode = mode
    return true
  }

  async #execute(asked: Asked, client: number, answer: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#answer(asked, packet(SAHARA.executeResponse, client, answer.length))
    const wanted = await this.#ask()
    if (wanted.packet.command !== SAHARA.executeData)
      return this.#refuse(wanted, SAHARA_STATUS.invalidCommand)
    await this.#answer(wanted, answer)
  }

  /** @returns undefined when another image is to come. */
  async #image(greeting: Asked): Promise<RomOutcome | undefined> {
    const { images, badLoader, lastDone } = this.#edl.sahara
    const id = images[this.#taken] ?? 0
    await this.#wire.executed(greeting.text, greeting.faults)
    const { status, traits } = await this.#load(id)
    const last = this.#taken === images.length - 1
    if (status !== IMAGE_STATUS.ok && badLoader !== 'status') return { kind: badLoader }
    await this.#wire.write(packet(SAHARA.endOfImage, id, status))
    const done = await this.#askUntil((asked) => asked.command === SAHARA.done && status === IMAGE_STATUS.ok)
    this.#taken += 1
    await this.#answer(done, packet(SAHARA.doneResponse, last ? lastDone : 0))
    if (!last) return undefined
    return traits ? { kind: 'programmer', traits } : { kind: 'mute' }
  }

  async #load(id: number): Promise<{ status: ImageStatus; traits?: ProgrammerTraits | undefined }> {
    try {
      const header = readElfHeader(await this.#fetch(id, 0, ELF_HEADER_BYTES))
      const table = await this.#fetch(id, header.tableOffset, header.tableBytes)
      const segments = readProgramHeaders(header, table)
      const total = segments.reduce((sum, { size }) => sum + size, 0)
      if (!(total <= MOST_IMAGE_BYTES))
        throw new BadImage(IMAGE_STATUS.invalidElf, `segments of ${total} bytes`)
      const content: Uint8Array[] = segments.map(() => new Uint8Array(0))
      // Hashes first, so that each segment could be checked as it comes; then in order of the table.
      const order = [...segments.keys()].sort(
        (a, b) => Number(segments[b]?.kind === 'hash') - Number(segments[a]?.kind === 'hash') || a - b,
      )
      for (const i of order) {
        const { offset, size } = segments[i] ?? { offset: 0, size: 0 }
        content[i] = await this.#fetch(id, offset, size)
      }
      const { digest, pkHash } = this.#edl.chip
      const status = imageStatus({ segments, content }, { digest, pkHash })
      const code = content[segments.findIndex(({ kind }) => kind === 'load')]
      return { status, traits: code && decodeTraits(code) }
    } catch (thrown) {
      if (thrown instanceof BadImage) return { status: thrown.status }
      throw thrown
    }
  }

  /** Bytes of the image, in requests of at most what this boot ROM asks for at once. */
  async #fetch(id: number, offset: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(size)
    const { readBits, readBytes } = this.#edl.sahara
    for (let at = 0; at < size; ) {
      const length = Math.min(readBytes, size - at)
      const request =
        readBits === 64
          ? widePacket(SAHARA.readData64, id, offset + at, length)
          : packet(SAHARA.readData, id, offset + at, length)
      await this.#wire.write(request)
      bytes.set(await this.#data(id, length), at)
      at += length
    }
    return bytes
  }

  /** A host that sends less is asked to end; a RESET in place of data is one. */
  async #data(id: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    let got = await this.#wire.readData(length)
    // A zero-length packet behind the data before.
    while (got.length === 0) got = await this.#wire.readData(length)
    if (got.length === length) return got
    const instead = readPacket(got)
    if (instead?.command === SAHARA.reset) await this.#reset(await this.#counted(instead))
    await this.#wire.write(packet(SAHARA.endOfImage, id, SAHARA_STATUS.receiveLength))
    await this.#askUntil(() => false)
    throw new StartOver()
  }

  /** The next packet of the host; RESET and RESET_STATE_MACHINE are obeyed wherever they come. */
  async #ask(): Promise<Asked> {
    for (;;) {
      const bytes = await this.#wire.read(MAX_PACKET)
      if (bytes.length === 0) continue
      const read = readPacket(bytes)
      if (!read) {
        await this.#wire.write(packet(SAHARA.endOfImage, 0, SAHARA_STATUS.packetSize))
        continue
      }
      const asked = await this.#counted(read)
      if (asked.faults.refuse !== undefined) {
        await this.#refuse(asked, SAHARA_STATUS.invalidCommand)
        continue
      }
      if (read.command === SAHARA.reset) await this.#reset(asked)
      if (read.command === SAHARA.resetStateMachine && this.#edl.sahara.resetsStateMachine) {
        await this.#wire.executed(asked.text, asked.faults)
        throw new StartOver()
      }
      return asked
    }
  }

  async #askUntil(wanted: (packet: HostPacket) => boolean): Promise<Asked> {
    for (;;) {
      const asked = await this.#ask()
      if (wanted(asked.packet)) return asked
      await this.#refuse(asked, SAHARA_STATUS.invalidCommand)
    }
  }

  async #counted(read: HostPacket): Promise<Asked> {
    const text = describePacket(read)
    return { packet: read, text, faults: await this.#wire.begin(text) }
  }

  async #reset(asked: Asked): Promise<never> {
    await this.#answer(asked, packet(SAHARA.resetResponse))
    throw new ResetAsked()
  }

  async #refuse(asked: Asked, status: number): Promise<void> {
    await this.#answer(asked, packet(SAHARA.endOfImage, 0, status))
  }

  async #answer(asked: Asked, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { text, faults } = asked
    await this.#wire.executed(text, faults)
    const padded = (size: number) => this.#wire.write(new Uint8Array(Buffer.concat([bytes], size)))
    await this.#wire.answer(`sahara:${bytes[0]}`, faults.reply, () => this.#wire.write(bytes), padded)
  }
}

/** Far beyond any loader; the on-chip memory has less. */
const MOST_IMAGE_BYTES = 32 * 1024 * 1024
