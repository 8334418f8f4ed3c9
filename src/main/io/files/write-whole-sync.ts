// Small files of the bench that are written at once: there whole or not at all, whatever happens to the power.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'

/** Replaces what is at `path` and makes the folders it needs.
 * @param mode of a file that is new; default: what the system gives.
 * @throws SlotbenchError `host-io`; the old file is then still there. */
export function writeWholeSync(path: string, text: string, mode?: number): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.new`, text, { flush: true, ...(mode !== undefined && { mode }) })
    renameSync(`${path}.new`, path)
  } catch (cause) {
    throw new SlotbenchError('host-io', `${path} cannot be written`, { cause })
  }
}
