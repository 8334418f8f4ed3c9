// System programs that interop tests need: found, or skipped aloud. In CI a missing one fails the run.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'

/** Path of a program in PATH (and the sbin folders), or undefined. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not in this folder; look on.
    }
  }
  return undefined
}

/** The program's path. Without it the test is skipped, and the end of the run says why; in CI it fails. */
export function requireTool(name: string, test: TestContext): string {
  const path = findTool(name)
  if (path !== undefined) return path
  if (process.env['CI']) throw new Error(`${name} is not installed; scripts/system-packages.sh installs it`)
  return test.skip(`${name} is not installed`)
}
