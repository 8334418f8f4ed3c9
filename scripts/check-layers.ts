// Part of `npm run lint`: reads every source file and names each import that goes against the arrows of the house.
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type Violation, violations } from './layers.ts'

const ROOT = join(import.meta.dirname, '..')

const found: Violation[] = []
let files = 0
for await (const path of glob('src/**/*.{ts,tsx}', { cwd: ROOT })) {
  const file = path.split(sep).join('/')
  files += 1
  found.push(...violations(file, readFileSync(join(ROOT, path), 'utf8')))
}
for (const { file, imported, why } of found) console.error(`${file}: imports '${imported}', but ${why}`)
console.log(
  `Checked the layers of ${files} files. ${found.length === 0 ? 'All arrows hold.' : `${found.length} against an arrow.`}`,
)
process.exitCode = found.length === 0 ? 0 : 1
