// Where Electron's runtime lies, if it was fetched: npm installs the package without it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGE = join(import.meta.dirname, '../node_modules/electron')

export interface ElectronRuntime {
  readonly folder: string
  /** What is started. */
  readonly program: string
}

/** Electron's own package notes it, once the runtime was fetched. */
export function electronRuntime(): ElectronRuntime | undefined {
  const note = join(PACKAGE, 'path.txt')
  if (!existsSync(note)) return undefined
  const folder = join(PACKAGE, 'dist')
  const program = join(folder, readFileSync(note, 'utf8').trim())
  return existsSync(program) ? { folder, program } : undefined
}

export const HOW_TO_FETCH = 'node node_modules/electron/install.js fetches it'

/** Why no window of Electron can be opened here; undefined when one can. */
export function whyNoElectron(): string | undefined {
  if (electronRuntime() === undefined) return `Electron’s runtime is not here; ${HOW_TO_FETCH}`
  const { DISPLAY, WAYLAND_DISPLAY } = process.env
  const blind = process.platform === 'linux' && !DISPLAY && !WAYLAND_DISPLAY
  return blind ? 'there is no display for Electron; xvfb-run brings one' : undefined
}
