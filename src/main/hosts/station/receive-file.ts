// A package that was dropped on the page: streamed into a file of the bench, whole or not at all.
import { createWriteStream } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SlotbenchError } from '../../../shared/errors.ts'
import { freeSpace } from '../../io/files/free-space.ts'

/** What stays free for journals and backups. */
const RESERVE = 256 * 1024 * 1024

export interface IncomingFile {
  readonly name: string
  /** Bytes, as the browser promises. */
  readonly length: number
  readonly content: Readable
}

/** @returns the path of the new file; an older one of that name stays.
 * @throws SlotbenchError `host-space`, `source-truncated` when less or more arrives than was promised, `host-io`. */
export async function receiveFile(folder: string, { name, length, content }: IncomingFile): Promise<string> {
  await mkdir(folder, { recursive: true })
  const free = await freeSpace(folder)
  if (length > free - RESERVE)
    throw new SlotbenchError('host-space', `the file has ${length} bytes, ${free} are free`)
  const path = await freePath(folder, safeName(name))
  const part = `${path}.part`
  let arrived = 0
  try {
    await pipeline(
      content,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          arrived += chunk.length
          if (arrived > length) throw new SlotbenchError('source-truncated', 'more arrives than was promised')
          yield chunk
        }
      },
      createWriteStream(part, { flags: 'wx' }),
    )
    if (arrived !== length)
      throw new SlotbenchError('source-truncated', `${arrived} of ${length} bytes arrived`)
    await rename(part, path)
    return path
  } catch (thrown) {
    await rm(part, { force: true })
    if (thrown instanceof SlotbenchError) throw thrown
    throw new SlotbenchError('host-io', `${name} could not be stored`, { cause: thrown })
  }
}

/** A name for a file and nothing else: letters and digits of any script, and a few signs. */
export function safeName(name: string): string {
  const base = name.split(/[\\/]/).at(-1) ?? ''
  const safe = base
    .normalize('NFC')
    .replace(/[^\p{L}\p{N} ._+()-]+/gu, '_')
    .replace(/^[. ]+|[. ]+$/g, '')
  return [...safe].slice(-120).join('') || 'package'
}

async function freePath(folder: string, name: string): Promise<string> {
  const extension = extname(name)
  const stem = name.slice(0, name.length - extension.length)
  for (let number = 1; ; number++) {
    const path = join(folder, number === 1 ? name : `${stem} (${number})${extension}`)
    const taken = await access(path).then(
      () => true,
      () => false,
    )
    if (!taken) return path
  }
}
