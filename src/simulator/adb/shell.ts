// The services `shell:`, `shell,v2,…:` and `exec:` (AOSP shell_service.cpp, shell_protocol.h).
import type { AdbContext } from './machine.ts'
import { type CommandResult, runLine } from './shell-commands.ts'
import type { AdbStream } from './stream.ts'

/** Kinds of packets of shell v2: one byte, then u32 length (little endian), then the data. */
const KIND = { stdin: 0, stdout: 1, stderr: 2, exit: 3, closeStdin: 4 } as const
const PACKET_HEADER = 5
/** More of standard input is not kept: no line of a person is longer. */
const MOST_INPUT = 64 * 1024
const PROMPT = '$ '

export interface ShellRequest {
  /** Standard error and the exit code have packets of their own. */
  readonly v2: boolean
  /** Empty: lines from standard input, one command each, until `exit` or its end. */
  readonly line: string
}

/** @returns undefined when the service is no shell. */
export function shellRequest(service: string): ShellRequest | undefined {
  const match = /^(shell|exec)((?:,[^:]*)?):(.*)$/s.exec(service)
  if (match === null) return undefined
  const [, , options = '', line = ''] = match
  return { v2: options.split(',').includes('v2'), line }
}

export async function serveShell(
  context: AdbContext,
  stream: AdbStream,
  request: ShellRequest,
): Promise<void> {
  const output = request.v2 ? framed(stream) : plain(stream)
  if (request.line !== '') return output.finish(runLine(context, request.line))
  let exit = 0
  await output.write(PROMPT)
  for await (const line of inputLines(stream, request.v2)) {
    const result = runLine(context, line)
    exit = result.exit
    if (/^\s*exit\b/.test(line)) break
    await output.write(result.out + result.err + PROMPT)
  }
  await output.finish({ out: '', err: '', exit })
}

interface Output {
  write(text: string): Promise<void>
  finish(result: CommandResult): Promise<void>
}

function plain(stream: AdbStream): Output {
  const write = (text: string) => stream.write(bytesOf(text))
  return { write, finish: ({ out, err }) => write(out + err) }
}

function framed(stream: AdbStream): Output {
  const packet = (kind: number, data: Uint8Array) => {
    const bytes = new Uint8Array(PACKET_HEADER + data.length)
    bytes[0] = kind
    new DataView(bytes.buffer).setUint32(1, data.length, true)
    bytes.set(data, PACKET_HEADER)
    return stream.write(bytes)
  }
  return {
    write: (text) => packet(KIND.stdout, bytesOf(text)),
    async finish({ out, err, exit }) {
      if (out !== '') await packet(KIND.stdout, bytesOf(out))
      if (err !== '') await packet(KIND.stderr, bytesOf(err))
      await packet(KIND.exit, Uint8Array.of(exit))
    },
  }
}

async function* inputLines(stream: AdbStream, v2: boolean): AsyncGenerator<string> {
  let text = ''
  for await (const piece of v2 ? framedInput(stream) : plainInput(stream)) {
    text += Buffer.from(piece).toString('latin1')
    const lines = text.split(/\r?\n/)
    text = (lines.pop() ?? '').slice(-MOST_INPUT)
    yield* lines
  }
  if (text !== '') yield text
}

async function* plainInput(stream: AdbStream): AsyncGenerator<Uint8Array> {
  for (let piece = await stream.read(); piece !== undefined; piece = await stream.read()) yield piece
}

async function* framedInput(stream: AdbStream): AsyncGenerator<Uint8Array> {
  const header = new Uint8Array(PACKET_HEADER)
  for (;;) {
    await stream.fill(header)
    const kind = header[0]
    if (kind === KIND.closeStdin) return
    for (let left = new DataView(header.buffer).getUint32(1, true); left > 0; ) {
      const piece = await stream.read(left)
      if (piece === undefined) return
      left -= piece.length
      if (kind === KIND.stdin) yield piece
    }
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'utf8'))
}
