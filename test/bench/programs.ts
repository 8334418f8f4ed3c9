// Other programs, run whole and timed by the wall clock.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Finished {
  readonly ms: number
  readonly stdout: string
}

export interface RunOptions {
  readonly signal: AbortSignal
  readonly env?: Readonly<Record<string, string>>
}

/** From its start to its end. Throws, with what it said, when it fails. */
export async function runProgram(
  path: string,
  args: readonly string[],
  { signal, env }: RunOptions,
): Promise<Finished> {
  const startedAt = performance.now()
  const child = spawn(path, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    env: { ...process.env, ...env },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  const [code] = await once(child, 'close')
  const ms = performance.now() - startedAt
  if (code !== 0)
    throw new Error(`${path} ${args.join(' ')} ended with ${code}:\n${said.stdout}${said.stderr}`)
  return { ms, stdout: said.stdout }
}
