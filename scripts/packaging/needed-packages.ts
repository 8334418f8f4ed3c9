// Which packages the built desktop program needs at run time: what its bundles name, and what those need in turn.
import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { importsOf } from '../layers.ts'

/** Comes with the runtime. */
const RUNTIME = 'electron'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Names of the packages that the bundles in a folder import or require. */
export async function namedPackages(folder: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const path of glob('**/*.{js,cjs}', { cwd: folder }))
    for (const imported of importsOf(path, readFileSync(join(folder, path), 'utf8'))) {
      const name = packageOf(imported)
      if (name !== undefined && name !== RUNTIME) names.add(name)
    }
  return names
}

function packageOf(imported: string): string | undefined {
  if (/^[./]|^node:|^data:/.test(imported) || builtinModules.includes(imported)) return undefined
  const [first = '', second = ''] = imported.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** Folders of packages and of all that they depend on, relative to `root`, with forward slashes.
 * @throws Error when one that is needed is not installed. */
export function withDependencies(root: string, names: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>()
  const visit = (name: string, from: string, optional: boolean): void => {
    const folder = installed(name, from, root)
    if (folder === undefined) {
      // The native part of another platform.
      if (optional) return
      throw new Error(`${name}, which ${relative(root, from) || 'the program'} needs, is not installed`)
    }
    const key = relative(root, folder).split(sep).join('/')
    if (folders.has(key)) return
    folders.add(key)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    const optionals = Object.keys(manifest.optionalDependencies ?? {})
    for (const one of optionals) visit(one, folder, true)
    for (const one of Object.keys(manifest.dependencies ?? {})) visit(one, folder, optionals.includes(one))
  }
  for (const name of names) visit(name, root, false)
  return folders
}

/** As Node looks it up: in every `node_modules` from there upwards. */
function installed(name: string, from: string, root: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    if (folder === root || dirname(folder) === folder) return undefined
  }
}
