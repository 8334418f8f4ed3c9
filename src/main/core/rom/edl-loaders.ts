// The Firehose programmers that lie in an EDL package.
import { createHash } from 'node:crypto'
import type { EdlPackageInfo } from '../../../shared/rom.ts'
import { sha256 } from '../../../shared/units.ts'
import { type EdlLayout, type EdlVariant, loaderPaths } from './edl-layout.ts'
import { type FileSet, readWhole } from './file-set.ts'

/** Programmers have about a megabyte. */
const MAX_LOADER = 64 * 1024 * 1024

/** @param o.notes gets what is no programmer, in words. */
export async function readLoaders(
  files: FileSet,
  layout: EdlLayout,
  variant: EdlVariant,
  o: { readonly notes: string[]; readonly signal: AbortSignal },
): Promise<EdlPackageInfo['loaders']> {
  const found: EdlPackageInfo['loaders'] = []
  for (const name of new Set([...variant.loaders, ...loaderPaths(files, layout.root)])) {
    const file = files.get(name)
    if (file === undefined || file.size === 0 || file.size > MAX_LOADER) {
      o.notes.push(
        `${name} is no programmer: ${file === undefined ? 'it is not there' : `it has ${file.size} bytes`}.`,
      )
      continue
    }
    const content = await readWhole(file, o.signal)
    const digest = sha256(createHash('sha256').update(content).digest('hex'))
    found.push({ name, size: file.size, sha256: digest })
  }
  return found
}
