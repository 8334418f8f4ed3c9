// Digest files that come with image sets: lines of `sha256sum`.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { textLines } from '../formats/text-lines.ts'
import { type FileSet, readText } from './file-set.ts'

const LIST_NAME = /^sha256(sums?)?(\.txt)?$/i
const LINE = /^(?<hex>[0-9a-f]{64})(?:\s+\*?(?<name>.+))?$/i

/** SHA-256 by file name, from `SHA256SUMS`, `sha256sum.txt` and the like, and from `NAME.sha256`.
 * @throws SlotbenchError `package-incomplete` when such a file is not readable, `digest-mismatch` when two contradict. */
export async function readDigests(files: FileSet, signal: AbortSignal): Promise<ReadonlyMap<string, Sha256>> {
  const digests = new Map<string, Sha256>()
  for (const name of files.keys()) {
    const about = /^(.+)\.sha256$/i.exec(name)?.[1]
    if (!LIST_NAME.test(name) && (about === undefined || !files.has(about))) continue
    const text = await readText(files, name, signal)
    if (text === undefined)
      throw new SlotbenchError('package-incomplete', `${name} is too large for a digest file`)
    for (const line of textLines(text, 'package-incomplete')) {
      const { hex = '', name: named = about } = LINE.exec(line.text)?.groups ?? {}
      if (hex === '' || named === undefined)
        throw new SlotbenchError('package-incomplete', `line ${line.number} of ${name} is not a SHA-256`)
      add(digests, named.replace(/^\.\//, ''), sha256(hex))
    }
  }
  return digests
}

function add(digests: Map<string, Sha256>, name: string, digest: Sha256): void {
  const known = digests.get(name)
  if (known !== undefined && known !== digest)
    throw new SlotbenchError('digest-mismatch', `the package promises two different digests for ${name}`)
  digests.set(name, digest)
}
