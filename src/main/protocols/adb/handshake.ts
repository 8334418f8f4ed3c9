// The beginning of an ADB connection: CNXN, proofs of identity as the terminal asks for them, CNXN back (AOSP adb protocol.txt).
import type { AdbPacketData } from '@yume-chan/adb'
import { AdbAuthType, AdbCommand, AdbFeature, calculateChecksum } from '@yume-chan/adb'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../transport.ts'
import type { AdbCredentials, AdbKey } from './credentials.ts'
import { MAX_PAYLOAD, START_TLS } from './packet.ts'
import { PacketLink } from './packet-link.ts'

export interface Greeting {
  readonly version: number
  readonly maxPayload: number
  /** `device::ro.product.name=…;features=…` */
  readonly banner: string
}

export interface HandshakeOptions extends IoOptions {
  readonly credentials: AdbCredentials
  readonly onPrompt?: (() => void) | undefined
}

/** Without delayed acknowledgements: a block of a sideload is one WRTE, so they would gain nothing, and Google's adb has them
 * off by default too. */
export const FEATURES: readonly AdbFeature[] = [AdbFeature.ShellV2, AdbFeature.Cmd]

const OLDEST_VERSION = 0x0100_0000
const OUR_VERSION = 0x0100_0001
/** AOSP's MAX_PAYLOAD_V1: no terminal takes less. */
const SMALLEST_PAYLOAD = 4096
const TOKEN_BYTES = 20
/** An interrupted program may have left a terminal waiting for the rest of a payload; greeting again ends that. */
const GREET_AGAIN_MS = 2_000
const MAX_GREETINGS = 4
const REFUSALS: ReadonlySet<string> = new Set([
  'terminal-silent',
  'terminal-gone',
  'usb-failed',
  'network-failed',
])

/** @throws SlotbenchError `adb-unauthorised` when the terminal asked who we are and did not let us in, `terminal-silent`
 * without any sensible answer, `terminal-garbled`, `terminal-gone`, `adb-key-invalid`. */
export async function shakeHands(link: PacketLink, o: HandshakeOptions): Promise<Greeting> {
  const proofs = new Proofs(link, o)
  try {
    return await converse(link, proofs, o)
  } catch (thrown) {
    throw proofs.explain(asSlotbenchError(thrown))
  }
}

/** Whether ADB answers, and nothing more: no key is used, nobody is asked. Closes the transport.
 * @throws SlotbenchError `terminal-silent`, `terminal-garbled`, `terminal-gone`. */
export async function probeAdb(transport: Transport, o: IoOptions): Promise<void> {
  const link = new PacketLink(transport)
  try {
    await greet(link, o)
    await link.receive(o)
  } finally {
    await link.close()
  }
}

async function converse(link: PacketLink, proofs: Proofs, o: IoOptions): Promise<Greeting> {
  await greet(link, o)
  for (let greetings = 1; ; ) {
    const packet = await nextPacket(link, o, greetings < MAX_GREETINGS)
    if (packet === undefined) {
      await greet(link, o)
      greetings += 1
    } else if (packet.command === AdbCommand.Connect) {
      return greetingOf(packet.arg0, packet.arg1, packet.payload)
    } else if (packet.command === AdbCommand.Auth && packet.arg0 === AdbAuthType.Token) {
      await proofs.answer(packet.payload)
    } else if ((packet.command as number) === START_TLS) {
      throw unauthorised('it wants an encrypted connection (wireless debugging), which needs pairing')
    }
    // Anything else was meant for an earlier program: a terminal starts anew at CNXN.
  }
}

/** Undefined when it is time to greet again. */
async function nextPacket(
  link: PacketLink,
  o: IoOptions,
  mayGreetAgain: boolean,
): Promise<AdbPacketData | undefined> {
  const patient = link.inStep || !mayGreetAgain
  const deadline = patient ? o.deadline : o.deadline.within(GREET_AGAIN_MS)
  try {
    return await link.receive({ signal: o.signal, deadline })
  } catch (thrown) {
    const silent = thrown instanceof SlotbenchError && thrown.code === 'terminal-silent'
    if (silent && !o.deadline.expired && link.failure === undefined) return undefined
    throw thrown
  }
}

async function greet(link: PacketLink, o: IoOptions): Promise<void> {
  const payload = new TextEncoder().encode(`host::features=${FEATURES.join(',')};`)
  const packet = { command: AdbCommand.Connect, arg0: OUR_VERSION, arg1: MAX_PAYLOAD, payload }
  // Which version the terminal speaks is not known yet: old ones want the sum.
  await link.send(packet, calculateChecksum(payload), o)
}

function greetingOf(version: number, maxPayload: number, payload: Uint8Array): Greeting {
  if (version < OLDEST_VERSION || maxPayload < SMALLEST_PAYLOAD)
    throw new SlotbenchError(
      'terminal-garbled',
      `the terminal greets with version ${version.toString(16)} and payloads of ${maxPayload} bytes`,
    )
  return {
    version: Math.min(version, OUR_VERSION),
    maxPayload: Math.min(maxPayload, MAX_PAYLOAD),
    banner: new TextDecoder().decode(payload).replaceAll('\0', ''),
  }
}

/** Signatures with one key after the other, then the first key itself for somebody to allow on the screen. */
class Proofs {
  readonly #link: PacketLink
  readonly #o: HandshakeOptions
  #keys: readonly [AdbKey, ...AdbKey[]] | undefined
  #tried = 0
  #offered = false

  constructor(link: PacketLink, o: HandshakeOptions) {
    this.#link = link
    this.#o = o
  }

  async answer(token: Uint8Array): Promise<void> {
    if (token.length !== TOKEN_BYTES)
      throw new SlotbenchError('terminal-garbled', `the terminal wants ${token.length} bytes signed`)
    if (this.#offered) throw unauthorised('it refused the key of this computer')
    this.#keys ??= await this.#o.credentials.keys()
    const key = this.#keys[this.#tried]
    this.#tried += 1
    if (key) return await this.#send(AdbAuthType.Signature, key.sign(token))
    this.#offered = true
    this.#o.onPrompt?.()
    await this.#send(AdbAuthType.PublicKey, new TextEncoder().encode(`${this.#keys[0].publicKey}\0`))
  }

  /** Once it has asked who we are, hanging up or saying no more is a refusal. */
  explain(error: SlotbenchError): SlotbenchError {
    if (this.#keys === undefined || !REFUSALS.has(error.code)) return error
    if (!this.#offered && error.code === 'terminal-silent') return error
    const how = this.#offered ? 'nobody allowed it on its screen' : 'it hung up when asked for access'
    return unauthorised(how, error)
  }

  async #send(type: AdbAuthType, payload: Uint8Array<ArrayBuffer>): Promise<void> {
    const packet = { command: AdbCommand.Auth, arg0: type, arg1: 0, payload }
    await this.#link.send(packet, calculateChecksum(payload), this.#o)
  }
}

function unauthorised(how: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('adb-unauthorised', `the terminal does not let this computer in: ${how}`, {
    cause,
  })
}
