// Opens terminals in EDL with the programmers that are at hand: those that were named, else those that packages brought or that were used
// before.
import { SlotbenchError } from '../../shared/errors.ts'
import type { IoOptions } from '../../shared/io-options.ts'
import type { Rom } from '../core/rom/types.ts'
import type { ByteSource } from '../core/source.ts'
import type { LoaderStore } from '../io/files/loader-store.ts'
import { openFile } from '../io/files/open-file.ts'
import { openEdlSession } from '../terminals/edl/open.ts'
import type { Discovery, EdlSession, Sighting } from '../terminals/types.ts'

export interface EdlOpener {
  /** Whether there is any programmer to try. */
  readonly any: boolean
  /** @throws SlotbenchError what `openEdlSession` throws. */
  open(sighting: Sighting, discovery: Pick<Discovery, 'waitFor'>, o: IoOptions): Promise<EdlSession>
  /** Keeps a programmer for terminals to come.
   * @throws SlotbenchError `loader-missing`, and what keeping it throws. */
  keep(path: string): Promise<void>
  /** Keeps the programmers of a package. */
  use(rom: Rom): Promise<void>
}

/** @param named paths of programmers; where some are given, no other one is tried. */
export function edlOpener(named: readonly string[], kept: LoaderStore): EdlOpener {
  const sources = async (): Promise<readonly ByteSource[]> =>
    named.length === 0 ? kept.open() : Promise.all(named.map(openNamed))
  return {
    get any() {
      return named.length > 0 || kept.any
    },
    async open(sighting, discovery, o) {
      const loaders = await sources()
      try {
        const session = await openEdlSession(sighting, { ...o, loaders, discovery })
        // It served this terminal; a job that is resumed will want it again.
        if (named.length > 0) for (const loader of loaders) await kept.keep(loader)
        return session
      } finally {
        for (const loader of loaders) await loader.close()
      }
    },
    async keep(path) {
      const loader = await openNamed(path)
      await kept.keep(loader).finally(() => loader.close())
    },
    async use(rom) {
      for (const { name } of rom.info.edl?.loaders ?? []) {
        const loader = await rom.loader?.(name)
        if (loader === undefined) continue
        await kept.keep(loader).finally(() => loader.close())
      }
    },
  }
}

async function openNamed(path: string): Promise<ByteSource> {
  try {
    return await openFile(path)
  } catch (cause) {
    throw new SlotbenchError('loader-missing', `there is no readable file ${path}`, { cause })
  }
}
