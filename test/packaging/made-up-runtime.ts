// A folder that looks like Electron's runtime to electron-builder and holds none: what is packed around it can be looked at where the
// runtime cannot be fetched. Its program has the fuses of the real one, all as they come.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where @electron/fuses finds the fuses: this text, their version, their number, and one character for each. */
const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'
const FUSES_VERSION = 1
/** As Electron leaves them: `1` on, `0` off. */
const AS_THEY_COME = '101000011'

export function makeRuntime(folder: string): void {
  mkdirSync(join(folder, 'resources'), { recursive: true })
  mkdirSync(join(folder, 'locales'))
  const fuses = Buffer.from([FUSES_VERSION, AS_THEY_COME.length])
  const program = Buffer.concat([Buffer.alloc(64), Buffer.from(SENTINEL), fuses, Buffer.from(AS_THEY_COME)])
  writeFileSync(join(folder, 'electron'), program)
  chmodSync(join(folder, 'electron'), 0o755)
  writeFileSync(join(folder, 'version'), '0.0.0')
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'locales/en-US.pak'])
    writeFileSync(join(folder, name), '')
}
