// The commands of a configured programmer, one method each (zte-domain §4.2.3).
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import { isDeparture, limited } from '../edl/edl-link.ts'
import { type Answer, type Command, type FirehoseChannel, lastWords } from './channel.ts'
import { sendPayload, type ZlpPolicy } from './program.ts'
import { readPayload } from './read.ts'
import { storageInfoOf } from './storage-info.ts'
import type { Firehose, FirehoseLimits, Patch, ProgramOptions, SectorTarget, StorageInfo } from './types.ts'
import { garbled } from './xml.ts'

export interface ClientOptions {
  readonly zlp: ZlpPolicy
  /** Between the response to `power` and the restart, seconds. */
  readonly powerDelay: number
}

const MAX_LUN = 255
const SECTOR_BYTES = { least: 512, most: 65_536 } as const
/** How much longer than announced a restart may take, ms. */
const DEPARTURE_MS = 5_000

export class FirehoseClient implements Firehose {
  readonly limits: FirehoseLimits
  readonly #channel: FirehoseChannel
  readonly #options: ClientOptions

  constructor(channel: FirehoseChannel, limits: FirehoseLimits, options: ClientOptions) {
    this.#channel = channel
    this.limits = limits
    this.#options = options
  }

  async nop(o: IoOptions): Promise<void> {
    await this.#run({ name: 'nop' }, this.#channel.deadlines.nop, o)
  }

  async storageInfo(lun: number, o: IoOptions): Promise<StorageInfo | undefined> {
    checkLun(lun)
    const command = { name: 'getstorageinfo', attributes: { physical_partition_number: lun } }
    const answer = await this.#ask(command, this.#channel.deadlines.info, o)
    return answer.ack ? storageInfoOf(lun, answer.logs) : undefined
  }

  async program(
    target: SectorTarget,
    content: AsyncIterable<Uint8Array<ArrayBuffer>>,
    { onSent, ...o }: ProgramOptions,
  ): Promise<void> {
    this.#mustWrite('program')
    const channel = this.#channel
    const { deadlines } = channel
    // Some programmers print the name; none needs it.
    const command = { name: 'program', attributes: { ...rangeOf(target), filename: 'slotbench' } }
    await channel.exclusive(async () => {
      const setup = accepted(command, await channel.exchange(command, deadlines.setup, o))
      if (!setup.raw) throw garbled('the programmer accepts a program command without asking for its data')
      const payload = {
        ...{ total: bytesOf(target), sectorSize: target.sectorSize, content },
        payloadBytes: this.limits.payloadToTarget,
        zlp: this.#options.zlp,
        ...(onSent && { onSent }),
        chunkMs: this.limits.memory === 'spinor' ? deadlines.slowChunk : deadlines.chunk,
      }
      accepted(command, await sendPayload(channel, payload, o))
    })
  }

  async *read(target: SectorTarget, o: IoOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    const channel = this.#channel
    const command = { name: 'read', attributes: rangeOf(target) }
    channel.enter()
    try {
      const setup = accepted(command, await channel.exchange(command, channel.deadlines.setup, o))
      if (!setup.raw) throw garbled('the programmer accepts a read command without announcing its data')
      yield* readPayload(channel, bytesOf(target), o)
      const end = accepted(command, await channel.answer(o, channel.deadlines.setup))
      if (end.raw) throw garbled('the programmer announces more data than was asked for')
    } catch (thrown) {
      throw channel.judge(thrown)
    } finally {
      channel.exit()
    }
  }

  async digest(target: SectorTarget, o: IoOptions): Promise<Sha256 | undefined> {
    const command = { name: 'getsha256digest', attributes: rangeOf(target) }
    const answer = await this.#ask(command, this.#channel.deadlines.digest, o)
    // A refusal mostly means that the programmer has no such command; the sectors can be read instead, and then say what is wrong.
    return answer.ack ? digestIn(answer) : undefined
  }

  async erase(target: SectorTarget, o: IoOptions): Promise<void> {
    this.#mustWrite('erase')
    // Without start and number the whole LUN would go (zte-domain §4.2.3): they are always said.
    await this.#run({ name: 'erase', attributes: rangeOf(target) }, this.#channel.deadlines.erase, o)
  }

  async patch(patch: Patch, o: IoOptions): Promise<void> {
    this.#mustWrite('patch')
    checkLun(patch.lun)
    checkSectorSize(patch.sectorSize)
    const attributes = {
      SECTOR_SIZE_IN_BYTES: patch.sectorSize,
      byte_offset: patch.byteOffset,
      filename: 'DISK',
      physical_partition_number: patch.lun,
      size_in_bytes: patch.sizeInBytes,
      start_sector: patch.startSector,
      value: patch.value,
    }
    await this.#run({ name: 'patch', attributes }, this.#channel.deadlines.short, o)
  }

  async setBootableDrive(lun: number, o: IoOptions): Promise<void> {
    this.#mustWrite('setbootablestoragedrive')
    checkLun(lun)
    const command = { name: 'setbootablestoragedrive', attributes: { value: lun } }
    await this.#run(command, this.#channel.deadlines.short, o)
  }

  async power(to: 'reset' | 'off' | 'reset_to_edl', o: IoOptions): Promise<void> {
    const channel = this.#channel
    const { powerDelay } = this.#options
    const command = { name: 'power', attributes: { value: to, DelayInSeconds: powerDelay } }
    await channel.exclusive(async () => {
      await channel.say(command, channel.deadlines.short, o)
      if (await this.#departs(command, o)) await this.#untilGone(limited(o, 1000 * powerDelay + DEPARTURE_MS))
      channel.end(new SlotbenchError('terminal-gone', `the terminal was told: power ${to}`))
    })
  }

  async close(): Promise<void> {
    await this.#channel.close()
  }

  async #run(command: Command, ms: number, o: IoOptions): Promise<void> {
    accepted(command, await this.#ask(command, ms, o))
  }

  async #ask(command: Command, ms: number, o: IoOptions): Promise<Answer> {
    return await this.#channel.exclusive(async () => {
      const answer = await this.#channel.exchange(command, ms, o)
      if (answer.raw && answer.ack) throw garbled(`${command.name} was answered with raw data`)
      return answer
    })
  }

  /** @returns false where the terminal is gone before its answer is out, as some are. */
  async #departs(command: Command, o: IoOptions): Promise<boolean> {
    try {
      accepted(command, await this.#channel.answer(o, this.#channel.deadlines.short))
      return true
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (!isDeparture(error)) throw error
      return false
    }
  }

  /** The response comes before the terminal goes. Who returned at once would find it still attached, and talk to a ghost. */
  async #untilGone(o: IoOptions): Promise<void> {
    while (!o.deadline.expired) {
      try {
        await this.#channel.link.next(o)
      } catch (thrown) {
        if (asSlotbenchError(thrown).code === 'cancelled') throw thrown
        return
      }
    }
  }

  #mustWrite(what: string): void {
    if (this.limits.readOnly)
      throw new SlotbenchError('loader-read-only', `this programmer takes no data, so ${what} was not tried`)
  }
}

function accepted({ name }: Command, answer: Answer): Answer {
  if (answer.ack) return answer
  const words = lastWords(answer.logs)
  throw new SlotbenchError(
    'terminal-refused',
    words === '' ? `${name} was refused without a word` : `${name}: ${words}`,
  )
}

/** @throws SlotbenchError `internal` for a range that cannot be: never is a command sent that leaves one out. */
function rangeOf(target: SectorTarget): Readonly<Record<string, number>> {
  const { lun, first, count, sectorSize } = target
  checkLun(lun)
  checkSectorSize(sectorSize)
  if (!isCount(first) || !isCount(count) || count === 0 || !isCount((first + count) * sectorSize))
    throw new SlotbenchError('internal', `${rangeWords(target)} cannot be sectors of a storage`)
  return {
    SECTOR_SIZE_IN_BYTES: sectorSize,
    num_partition_sectors: count,
    physical_partition_number: lun,
    start_sector: first,
  }
}

function bytesOf({ count, sectorSize }: SectorTarget): number {
  return count * sectorSize
}

function rangeWords({ lun, first, count }: SectorRange): string {
  return `LUN ${lun}, ${count} sectors from ${first},`
}

function checkLun(lun: number): void {
  if (!isCount(lun) || lun > MAX_LUN) throw new SlotbenchError('internal', `there is no LUN ${lun}`)
}

function checkSectorSize(size: number): void {
  const isPower = isCount(size) && (size & (size - 1)) === 0
  if (!isPower || size < SECTOR_BYTES.least || size > SECTOR_BYTES.most)
    throw new SlotbenchError('internal', `sectors of ${size} bytes cannot be`)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** In a log line or in the response, depending on the programmer (qdl). */
function digestIn({ attributes, logs }: Answer): Sha256 | undefined {
  const places = ['Digest', 'SHA256', 'sha256'].map((name) => attributes.get(name) ?? '')
  for (const text of [...places, ...logs]) {
    const hex = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/i.exec(text)?.[0]
    if (hex !== undefined) return sha256(hex)
  }
  return undefined
}
