// Runs one of the system's own programs and gathers what it prints, within bounds of time and size.
import { execFile } from 'node:child_process'

export interface ProgramResult {
  /** Undefined when it could not be started or was stopped. */
  readonly code: number | undefined
  readonly stdout: string
}

export type RunProgram = (program: string, args: readonly string[]) => Promise<ProgramResult>

const TIMEOUT_MS = 30_000
const MAX_BYTES = 16 * 1024 * 1024

/** Without a shell; never throws. */
export const runProgram: RunProgram = (program, args) =>
  new Promise((resolve) => {
    const options = {
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_BYTES,
      windowsHide: true,
      encoding: 'utf8',
    } as const
    execFile(program, [...args], options, (error, stdout) => {
      if (error === null) return resolve({ code: 0, stdout })
      resolve({ code: typeof error.code === 'number' ? error.code : undefined, stdout })
    })
  })
