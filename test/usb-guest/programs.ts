// Runs other programs in the guest and keeps what they say, so that a failure shows it.
import { spawn } from 'node:child_process'

export interface Finished {
  readonly status: number
  readonly stdout: string
  /** Both streams, as they came. */
  readonly output: string
}

export interface Running {
  readonly finished: Promise<Finished>
  /** Resolves once stdout has matched; rejects when the program ends without. */
  saw(pattern: RegExp): Promise<void>
  signal(name: NodeJS.Signals): void
}

const LIMIT_MS = 120_000

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
  /** Milliseconds until it is killed; a whole job under emulation takes its time. */
  readonly limitMs?: number
}

export function start(program: string, args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.limitMs ?? LIMIT_MS,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...options.env },
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  })
  let [stdout, output] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status ?? 128, stdout, output }))
  })
  const saw = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(stdout)) resolve()
      }
      look()
      child.stdout.on('data', look)
      child.on('close', () => reject(new Error(`${program} ended before ${pattern}:\n${output}`)))
    })
  return { finished, saw, signal: (name) => void child.kill(name) }
}

/** @throws Error with the program's output when it does not end with status 0. */
export async function run(program: string, args: readonly string[], options?: StartOptions): Promise<string> {
  const { status, stdout, output } = await start(program, args, options).finished
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: status ${status}\n${output}`)
  return stdout === '' ? output : stdout
}
