// slotbench cache list | pin | unpin | prune: what was fetched.
import { once } from 'node:events'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes, formatTime } from '../../../../shared/format.ts'
import type { CachedRom } from '../../../repository/rom-store.ts'
import type { RomLibrary } from '../../rom-library.ts'
import type { CommandContext } from '../command.ts'
import { withLibrary } from '../library.ts'

export async function cacheList(context: CommandContext): Promise<number> {
  const { output } = context
  return withLibrary(context, async ({ cache }) => {
    const all = await cache.list()
    output.data({ cache: cache.folder, roms: all.map(dataOf) })
    for (const { rom, pinned, usedAt, path } of all) {
      output.line(
        `${rom.publisher}/${rom.name}  ${formatBytes(rom.target.size)}  used ${formatTime(usedAt.toISOString())}${pinned ? '  pinned' : ''}`,
      )
      output.line(`    ${path}`)
    }
    output.line(
      `${all.length} ROMs, ${formatBytes(all.reduce((sum, { rom }) => sum + rom.target.size, 0))} in ${cache.folder}`,
    )
    return 0
  })
}

export async function cachePin(context: CommandContext, name: string, pinned: boolean): Promise<number> {
  return withLibrary(context, async (library) => {
    const { rom } = await cachedNamed(library, name)
    await library.cache.setPinned(rom.target.sha256, pinned)
    context.output.data({ name: rom.name, pinned })
    context.output.line(
      pinned ? `${rom.name} stays, whatever room is needed.` : `${rom.name} may go when room is needed.`,
    )
    return 0
  })
}

/** @param limit bytes that may stay; the cache's own limit when left out. */
export async function cachePrune(context: CommandContext, limit: number | undefined): Promise<number> {
  const { output } = context
  return withLibrary(context, async ({ cache }) => {
    const removed = await cache.prune(limit)
    output.data({ removed: removed.map(dataOf) })
    for (const { rom } of removed)
      output.line(`${rom.publisher}/${rom.name}  ${formatBytes(rom.target.size)}`)
    output.line(removed.length === 0 ? 'Nothing had to go.' : `${removed.length} ROMs removed.`)
    return 0
  })
}

/** Downloads under way may end after Ctrl-C; milliseconds. */
const GRACE_MS = 10_000

/** Lets other benches fetch from this cache (`slotbench repo add … --mirror`), until Ctrl-C. */
export async function cacheServe(
  context: CommandContext,
  options: { readonly host: string; readonly port: number },
): Promise<number> {
  const { output, signal } = context
  const { serveCache } = await import('../../cache-server.ts')
  return withLibrary(context, async ({ cache }) => {
    const server = await serveCache(cache, options)
    output.data({ url: server.url })
    output.line(`Other benches can fetch from ${server.url} (as a --mirror). Ctrl-C ends it.`)
    if (!signal.aborted) await once(signal, 'abort')
    await server.stop(GRACE_MS)
    return 0
  })
}

/** By name, `publisher/name`, build, or how its SHA-256 begins.
 * @throws SlotbenchError `rom-unknown`, or `usage` when several are meant. */
export async function cachedNamed({ cache }: RomLibrary, name: string): Promise<CachedRom> {
  const found = (await cache.list()).filter(
    ({ rom }) =>
      [rom.name, `${rom.publisher}/${rom.name}`, rom.facts.build].includes(name) ||
      (/^[0-9a-f]{12,64}$/.test(name) && rom.target.sha256.startsWith(name)),
  )
  const [first] = found
  if (first === undefined) throw new SlotbenchError('rom-unknown', `the cache has no ${name}`)
  if (found.length > 1)
    throw new SlotbenchError(
      'usage',
      `${name} may be ${found.map(({ rom }) => rom.target.sha256).join(' or ')}`,
    )
  return first
}

function dataOf({ rom, path, pinned, usedAt }: CachedRom) {
  const { publisher, name, target, facts } = rom
  return { publisher, name, path, pinned, usedAt, size: target.size, sha256: target.sha256, facts }
}
