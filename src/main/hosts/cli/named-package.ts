// The package that a command is given: a file or folder, or a ROM of a repository by its name. What lies in the cache stays there meanwhile.
import { existsSync } from 'node:fs'
import type { CachedRom } from '../../repository/rom-store.ts'
import type { RomLibrary } from '../rom-library.ts'
import type { CommandContext } from './command.ts'

/** Names of ROMs begin with none of these, and hold no backslash. */
const PATH_LIKE = /^[./~]|^[a-z]:|\\/i
/** A package in a cache, wherever that may be (io/repository/rom-cache.ts). */
const IN_A_CACHE = /[/\\]roms[/\\][0-9a-f]{64}[/\\]/

/** @param wanted what exists under this path comes first; else it is `repository/publisher/name`, the end of that, a build, or how a SHA-256
 * begins, and is fetched unless it is in the cache.
 * @param work is given the path. Until it ends nobody removes the ROM from the cache, another bench on the same cache included.
 * @throws SlotbenchError `rom-unknown`, what fetching throws, and what `work` does. */
export async function withPackage<T>(
  context: CommandContext,
  wanted: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const there = existsSync(wanted)
  if (there ? !IN_A_CACHE.test(wanted) : PATH_LIKE.test(wanted)) return await work(wanted)
  // Loaded only where it is needed: most commands are given files.
  const { withLibrary } = await import('./library.ts')
  return await withLibrary(context, async (library) => {
    const cached = there ? await library.cache.at(wanted) : await fetched(library, wanted, context)
    if (cached === undefined) return await work(wanted)
    const release = await library.cache.use(cached, context.signal)
    try {
      return await work(cached.path)
    } finally {
      await release()
    }
  })
}

/** Undefined on a bench that knows no repository: what is not there is then a missing file. */
async function fetched(
  library: RomLibrary,
  wanted: string,
  context: CommandContext,
): Promise<CachedRom | undefined> {
  if ((await library.repositories.list()).length === 0) return undefined
  const { listAll, showFetch } = await import('./library.ts')
  const { romNamed } = await import('../rom-library.ts')
  const found = romNamed(await listAll(library, context), wanted)
  return (await library.fetch(found, showFetch(context))).cached
}
