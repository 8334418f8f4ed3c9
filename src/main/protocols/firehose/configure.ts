// The first thing said to a programmer: what both sides can do. A refusal often says what to ask instead (zte-domain §4.2.2).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { limited } from '../edl/edl-link.ts'
import { type Answer, type FirehoseChannel, lastWords } from './channel.ts'
import type { FirehoseLimits, MemoryName } from './types.ts'
import { commandDocument, garbled } from './xml.ts'

/** Whether to call oneself a tool of ZTE. `auto`: only when the programmer has refused with words about that; whether older ones mind is
 * not known (zte-domain §9.2). */
export type OemPolicy = 'auto' | 'always' | 'never'

export interface Wanted {
  readonly memory: MemoryName
  readonly oem: OemPolicy
}

/** Larger payloads gain nothing: a USB transfer has at most 1 MiB here. */
const PAYLOAD_BYTES = 1024 * 1024
const SMALLEST_PAYLOAD = 512
/** Each thing that a refusal can ask for, and one to spare. */
const MAX_TRIES = 6

interface Ask {
  readonly memory: MemoryName
  readonly payload: number
  readonly oem: boolean
}

/** @throws SlotbenchError `firehose-refused` with the programmer's words, `loader-needs-vendor`, `terminal-*`. */
export async function configure(
  channel: FirehoseChannel,
  wanted: Wanted,
  o: IoOptions,
): Promise<FirehoseLimits> {
  let ask: Ask = { memory: wanted.memory, payload: PAYLOAD_BYTES, oem: wanted.oem === 'always' }
  const asked = new Set<string>()
  for (let count = 0; count < MAX_TRIES; count++) {
    asked.add(JSON.stringify(ask))
    const answer = await propose(channel, ask, o)
    const demand = demandOf(answer.logs)
    if (demand !== undefined) throw new SlotbenchError('loader-needs-vendor', demand)
    if (isPeek(answer) || answer.ack) return limitsOf(answer, ask)
    const next = remedy(answer, ask, wanted)
    if (next === undefined || asked.has(JSON.stringify(next))) throw refused(answer)
    ask = next
  }
  throw new SlotbenchError('firehose-refused', 'the programmer refuses every setting that it asked for')
}

/** Says it until it is heard: what goes out before the programmer is ready is lost (qdl). Every proposal is answered once, so the answers
 * to the earlier ones are heard too, lest one of them be taken for the answer to the next command. */
async function propose(channel: FirehoseChannel, ask: Ask, o: IoOptions): Promise<Answer> {
  const { deadlines } = channel
  const whole = limited(o, deadlines.configure)
  let plain: Answer | undefined
  for (let sent = 1; ; sent++) {
    await channel.put(commandDocument('configure', attributesOf(ask)), o)
    const answer = await hear(channel, whole)
    if (answer !== undefined && tells(answer)) {
      if (sent > 1) await channel.listen(deadlines.quiet, o)
      return answer
    }
    // An ACK that says nothing of payloads may be a late one to something else; if nothing better comes, it has to do.
    plain = answer ?? plain
    if (plain !== undefined || whole.deadline.expired) break
  }
  if (plain !== undefined) return plain
  throw new SlotbenchError(
    'terminal-silent',
    'the programmer does not answer: it did not start, or it waits for the rest of data that an earlier program began to send',
  )
}

/** The answer to one proposal; one that does not tell only when no other follows. Undefined after silence. */
async function hear(channel: FirehoseChannel, o: IoOptions): Promise<Answer | undefined> {
  let plain: Answer | undefined
  for (;;) {
    const answer = await answerWithin(channel, channel.deadlines.configureTry, o)
    if (answer === undefined || tells(answer)) return answer ?? plain
    plain = answer
  }
}

async function answerWithin(channel: FirehoseChannel, ms: number, o: IoOptions): Promise<Answer | undefined> {
  try {
    return await channel.answer(o, ms)
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'terminal-silent') return undefined
    throw thrown
  }
}

const PAYLOAD = 'MaxPayloadSizeToTargetInBytes'
const SUPPORTED = 'MaxPayloadSizeToTargetInBytesSupported'

function tells({ ack, attributes }: Answer): boolean {
  return !ack || attributes.has(PAYLOAD) || attributes.has(SUPPORTED)
}

function attributesOf({ memory, payload, oem }: Ask): Readonly<Record<string, string | number>> {
  return {
    MemoryName: memory,
    [PAYLOAD]: payload,
    Verbose: 0,
    ZlpAwareHost: 1,
    SkipStorageInit: 0,
    ...(oem && { Oem: 'ZTE' }),
  }
}

/** What to ask instead, where the refusal says so. */
function remedy(answer: Answer, ask: Ask, wanted: Wanted): Ask | undefined {
  const words = answer.logs.join('\n')
  if (!ask.oem && wanted.oem === 'auto' && /\bZTE\b/i.test(words)) return { ...ask, oem: true }
  const memory = memoryMeant(words)
  if (memory !== undefined && memory !== ask.memory) return { ...ask, memory }
  const supported = numberOf(answer, SUPPORTED) ?? numberOf(answer, PAYLOAD)
  return supported !== undefined && supported >= SMALLEST_PAYLOAD && supported < ask.payload
    ? { ...ask, payload: supported }
    : undefined
}

/** Programmers name the storage that they failed to open; it is then the other kind (zte-domain §4.2.2). */
function memoryMeant(words: string): MemoryName | undefined {
  if (/failed to open the SDCC device/i.test(words)) return 'ufs'
  if (/failed to initialize \(open whole lun\) UFS/i.test(words)) return 'emmc'
  if (/failed to set the IO options/i.test(words)) return 'nand'
  return undefined
}

/** What the programmer wants that only its maker has, in a sentence; undefined where it wants nothing. */
export function demandOf(logs: readonly string[]): string | undefined {
  const words = logs.join('\n')
  if (/before authentication/i.test(words))
    return `the programmer wants its maker's login first: ${lastWords(logs)}`
  if (/VIP is enabled, receiving the signed table/i.test(words))
    return 'the programmer wants a signed table of everything that will be written (VIP)'
  return undefined
}

/** A programmer that takes no data is there for reading only (zte-domain §4.2.2; edl #807). */
function isPeek(answer: Answer): boolean {
  return numberOf(answer, SUPPORTED) === 0
}

function limitsOf(answer: Answer, ask: Ask): FirehoseLimits {
  const { attributes } = answer
  const readOnly = isPeek(answer)
  const told = numberOf(answer, PAYLOAD) ?? numberOf(answer, SUPPORTED) ?? ask.payload
  const payload = Math.min(told, numberOf(answer, SUPPORTED) ?? told, ask.payload)
  if (!readOnly && payload < SMALLEST_PAYLOAD) throw garbled(`a payload of ${payload} bytes cannot be`)
  const target = attributes.get('TargetName')?.trim()
  return {
    memory: memoryNamed(attributes.get('MemoryName')) ?? ask.memory,
    payloadToTarget: readOnly ? 0 : payload,
    readOnly,
    targetName: target === '' ? undefined : target,
  }
}

function memoryNamed(name: string | undefined): MemoryName | undefined {
  const names: readonly MemoryName[] = ['ufs', 'emmc', 'nand', 'spinor', 'nvme']
  return names.find((known) => known === name?.trim().toLowerCase())
}

function numberOf({ attributes }: Answer, name: string): number | undefined {
  const text = attributes.get(name)?.trim() ?? ''
  const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined
  return value
}

function refused(answer: Answer): SlotbenchError {
  const words = lastWords(answer.logs)
  return new SlotbenchError('firehose-refused', words === '' ? 'configure was refused without a word' : words)
}
