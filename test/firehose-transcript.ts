// Transcripts of Firehose as one would tell them: elements, without the document around them.
import { type FirehoseOptions, openFirehose } from '../src/main/protocols/firehose/open.ts'
import type { Firehose, SectorTarget } from '../src/main/protocols/firehose/types.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import { Deadline, type IoOptions } from '../src/shared/io-options.ts'
import { ScriptedTransport } from './scripted-transport.ts'

export const io = (ms = 5_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})

/** What a transcript says it says at once, so nobody need wait for it to begin. Everything else as in the field. */
export const BRISK = { startup: 20, quiet: 20 }
/** For a programmer that is silent on purpose. */
export const SOON = {
  ...BRISK,
  configureTry: 100,
  configure: 400,
  nop: 300,
  finalAck: 300,
  readChunk: 300,
  lastWords: 100,
}

export const LOG = (text: string) => `< <log value="${text}" />`
export const ACK = '< <response value="ACK" />'
export const NAK = '< <response value="NAK" />'
export const RAW = '< <response value="ACK" rawmode="true" />'
export const END = '< <response value="ACK" rawmode="false" />'
export const CONFIGURE = (extra = '', memory = 'ufs', payload = 1048576) =>
  `> <configure MemoryName="${memory}" MaxPayloadSizeToTargetInBytes="${payload}" Verbose="0" ZlpAwareHost="1" SkipStorageInit="0"${extra} />`
export const CONFIGURED = (payload = 1048576) =>
  `< <response value="ACK" MinVersionSupported="1" Version="1" MaxPayloadSizeToTargetInBytes="${payload}" MaxPayloadSizeToTargetInBytesSupported="1048576" TargetName="SM8750" MemoryName="UFS" />`

/** Lines of `ScriptedTransport`, in which `> <nop />` and `< <log …/>` stand for whole documents. */
export function transcript(...lines: readonly string[]): ScriptedTransport {
  return new ScriptedTransport(lines.map(documentLine).join('\n'))
}

function documentLine(line: string): string {
  const element = /^([<>]) (<[^?].*)$/s.exec(line)
  if (!element) return line
  const [, side, body] = element
  const text = `<?xml version="1.0" encoding="UTF-8" ?><data>${body}</data>`
  return `${side} 0x${Buffer.from(text.length % 64 === 0 && side === '>' ? `${text}\n` : text).toString('hex')}`
}

/** A programmer that says the lines after an uneventful configuration. */
export async function programmer(
  lines: readonly string[],
  options: FirehoseOptions & { readonly payload?: number } = {},
): Promise<{ transport: ScriptedTransport; firehose: Firehose }> {
  const transport = transcript(CONFIGURE(), CONFIGURED(options.payload), ...lines)
  return { transport, firehose: await openFirehose(transport, { deadlines: BRISK, ...options }, io()) }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await errorOf(work)).code
}

export async function errorOf(work: Promise<unknown>): Promise<SlotbenchError> {
  const thrown = await work.then(
    () => 'a result',
    (error: unknown) => error,
  )
  if (thrown instanceof SlotbenchError) return thrown
  throw new Error(`not one of ours: ${String(thrown)}`)
}

export async function* pieces(...parts: readonly Uint8Array<ArrayBuffer>[]) {
  yield* parts
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of source) all.push(piece)
  return Buffer.concat(all)
}

export const sectors = (first: number, count: number): SectorTarget => ({
  lun: 4,
  first,
  count,
  sectorSize: 512,
})
export const RANGE = (first: number, count: number) =>
  `SECTOR_SIZE_IN_BYTES="512" num_partition_sectors="${count}" physical_partition_number="4" start_sector="${first}"`
export const PROGRAM = (first: number, count: number) =>
  `> <program ${RANGE(first, count)} filename="slotbench" />`
