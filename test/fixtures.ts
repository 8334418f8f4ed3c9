// Files made by other people's tools, kept unchanged in `fixtures/` (SOURCES.md says where they are from).
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Absolute path of a fixture, e.g. `fixture('sparse/test_file.bin')`.
 * @throws Error when there is none of that name. */
export function fixture(name: string): string {
  const path = join(import.meta.dirname, 'fixtures', name)
  if (!existsSync(path)) throw new Error(`there is no fixture ${name}`)
  return path
}
