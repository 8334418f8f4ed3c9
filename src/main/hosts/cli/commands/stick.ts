// slotbench export | import: ROMs for benches without a network, with the owner's signatures.
import { resolve } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { readRoot } from '../../key-files.ts'
import { type RomLibrary, romNamed } from '../../rom-library.ts'
import * as sticks from '../../sticks.ts'
import type { CommandContext } from '../command.ts'
import { listAll, showFetch, withLibrary } from '../library.ts'

/** @param names ROMs, and the folder as the last of them. */
export async function exportStick(context: CommandContext, names: readonly string[]): Promise<number> {
  const { output, signal } = context
  const folder = names.at(-1) ?? ''
  const wanted = names.slice(0, -1)
  if (wanted.length === 0) throw new SlotbenchError('usage', 'name at least one ROM, and the folder')
  return withLibrary(context, async (library) => {
    const listed = await listAll(library, context)
    const roms = wanted.map((name) => romNamed(listed, name))
    const repository = await sticks.exportStick(library, { roms, listed }, folder, {
      signal,
      fetching: () => showFetch(context),
      onWriting: ({ name }) => output.note(`Writing ${name} …`),
    })
    output.data({ exported: roms.map(({ rom }) => rom.name), folder: resolve(folder) })
    output.line(`${roms.length} ROMs of ${repository.name} are in ${resolve(folder)}.`)
    return 0
  })
}

export interface ImportOptions {
  /** Trusts a repository that the bench does not know yet. */
  readonly root?: string
  readonly name?: string
}

export async function importStick(
  context: CommandContext,
  folder: string,
  { root, name }: ImportOptions,
): Promise<number> {
  const { output, signal } = context
  return withLibrary(context, async (library) => {
    const added = root === undefined ? undefined : await trustStick(library, { root, name })
    let holds = false
    const { repository, roms } = await sticks
      .importStick(library, folder, {
        ...{ signal, fetching: () => showFetch(context), ...(name !== undefined && { name }) },
        onRoms: () => {
          holds = true
        },
      })
      .catch(async (error) => {
        // Trusted for this stick alone, which does not deserve it.
        if (added !== undefined && !holds) await library.repositories.remove(added)
        throw error
      })
    for (const { rom, path } of roms)
      output.line(`${rom.publisher}/${rom.name}  ${formatBytes(rom.target.size)}  ${path}`)
    output.data({ imported: roms.map(({ rom }) => rom.name), repository: repository.name })
    output.line(`${roms.length} ROMs of ${repository.name}, every signature and byte checked.`)
    return 0
  })
}

/** @returns the name that it is known by from now on. @throws SlotbenchError `usage` when there is one of that name. */
async function trustStick(
  library: RomLibrary,
  { root, name = 'stick' }: { readonly root: string; readonly name: string | undefined },
): Promise<string> {
  const known = await library.repositories.get(name).catch(() => undefined)
  if (known !== undefined)
    throw new SlotbenchError('usage', `there is a repository ${name} already; leave --root out`)
  await library.repositories.add({ name, mirrors: [] }, await readRoot(root))
  return name
}
