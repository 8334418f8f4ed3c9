// From what stands on a bay in EDL to an open session: identity, the right loader, the programmer that comes up, its settings.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Fact } from '../../../shared/terminal.ts'
import type { ByteSource } from '../../core/source.ts'
import { isDeparture } from '../../protocols/edl/edl-link.ts'
import { type FirehoseOptions, openFirehose } from '../../protocols/firehose/open.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import {
  type ChipIdentity,
  openSahara,
  programmerImages,
  type SaharaIdentified,
} from '../../protocols/sahara/sahara.ts'
import type { Transport } from '../../protocols/transport.ts'
import type { Discovery, EdlSession, Sighting } from '../types.ts'
import { chooseLoader } from './choose-loader.ts'
import { edlSession } from './session.ts'

export interface OpenEdlOptions extends IoOptions {
  /** Loaders at hand, the preferred one first; whoever opened them closes them. None are needed where a programmer runs already. */
  readonly loaders: readonly ByteSource[]
  /** Where the terminal is looked for when its programmer comes up as a new device. */
  readonly discovery: Pick<Discovery, 'waitFor'>
  /** What the programmer is asked for; see there. */
  readonly firehose?: Omit<FirehoseOptions, 'attach'>
  /** Bytes of the loader that the terminal has taken so far. */
  readonly onLoading?: (bytes: number) => void
}

/** A programmer comes up within some two seconds, and its watchdog barks after some eight (zte-domain §0.3). */
const REAPPEAR_MS = 10_000

/** Opens the terminal. Nothing is written to it. Where its programmer runs already, that one is taken on.
 * @throws SlotbenchError `loader-*`, `firehose-refused`, `edl-memory-debug`, `terminal-stranger` when another terminal comes up on the
 * bay, `terminal-not-found` when none does, and what opening the link throws. */
export async function openEdlSession(sighting: Sighting, o: OpenEdlOptions): Promise<EdlSession> {
  const opening = new Opening(sighting, o)
  try {
    return await opening.run()
  } catch (thrown) {
    await opening.abandon()
    const terminal = opening.chipSerial?.value
    throw asSlotbenchError(thrown).at({ bay: sighting.bay, ...(terminal !== undefined && { terminal }) })
  }
}

class Opening {
  readonly #sighting: Sighting
  readonly #o: OpenEdlOptions
  readonly #io: IoOptions
  #identity: ChipIdentity | undefined
  /** What has to be closed when nothing comes of it. */
  #open: { close(): Promise<void> } | undefined

  constructor(sighting: Sighting, o: OpenEdlOptions) {
    this.#sighting = sighting
    this.#o = o
    this.#io = { signal: o.signal, deadline: o.deadline }
  }

  get chipSerial(): Fact<string> | undefined {
    const told = this.#identity?.chipSerial
    if (told !== undefined) return { value: told, source: 'Sahara' }
    const shown = this.#sighting.chipSerial
    return shown === undefined ? undefined : { value: shown, source: 'USB product string' }
  }

  async run(): Promise<EdlSession> {
    const transport = await this.#sighting.open(this.#io)
    this.#open = transport
    const start = await openSahara(transport, this.#io)
    const firehose =
      start.kind === 'firehose'
        ? await this.#programmer(transport, true)
        : await this.#load(transport, start.sahara)
    this.#open = firehose
    const said = (value: string | undefined) =>
      value === undefined ? undefined : { value, source: 'Sahara' }
    const { hwId, pkHash } = this.#identity ?? {}
    const { bay } = this.#sighting
    const origin = { bay, chipSerial: this.chipSerial, hwId: said(hwId), pkHash: said(pkHash) }
    return await edlSession(firehose, origin, this.#io)
  }

  /** Never throws. */
  async abandon(): Promise<void> {
    await this.#open?.close()
  }

  async #load(transport: Transport, sahara: SaharaIdentified): Promise<Firehose> {
    this.#identity = sahara.identity
    const { loaders, signal, onLoading } = this.#o
    let loader: ByteSource
    try {
      loader = await chooseLoader(loaders, sahara.identity, signal)
    } catch (thrown) {
      // Whoever comes with the right one finds the terminal as it was.
      await sahara.leave(this.#io)
      throw thrown
    }
    const transfer = await sahara.startTransfer(this.#io)
    const { left } = await transfer.send(programmerImages(loader), {
      ...this.#io,
      ...(onLoading && { onSent: onLoading }),
    })
    if (!left) {
      try {
        return await this.#programmer(transport, false)
      } catch (thrown) {
        // It may also leave after its last word was read.
        if (!isDeparture(asSlotbenchError(thrown))) throw thrown
      }
    }
    await transport.close()
    return await this.#reappeared()
  }

  /** The programmer as a new device on the same bay. A sighting may be of the one that has just left: it is gone when it is opened, and the
   * next one is waited for. */
  async #reappeared(): Promise<Firehose> {
    const { bay } = this.#sighting
    const io = { signal: this.#o.signal, deadline: this.#o.deadline.within(REAPPEAR_MS) }
    const tried = new Set([this.#sighting])
    for (;;) {
      const next = await this.#o.discovery.waitFor(
        (sighting) => sighting.bay === bay && sighting.protocol === 'edl' && !tried.has(sighting),
        io,
      )
      tried.add(next)
      this.#mustBeSame(next)
      try {
        const transport = await next.open(this.#io)
        this.#open = transport
        return await this.#programmer(transport, false)
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        await this.#open?.close()
        if (!isDeparture(error) || io.deadline.expired) throw error
      }
    }
  }

  #mustBeSame({ bay, chipSerial: found }: Sighting): void {
    const expected = this.chipSerial?.value
    if (expected === undefined || found === undefined || expected === found) return
    throw new SlotbenchError(
      'terminal-stranger',
      `the terminal that came up on ${bay} has the chip serial number ${found} instead of ${expected}`,
    )
  }

  async #programmer(transport: Transport, attach: boolean): Promise<Firehose> {
    return await openFirehose(transport, { ...this.#o.firehose, attach }, this.#io)
  }
}
