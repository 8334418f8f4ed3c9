// slotbench repo add | list | remove: which repositories this bench trusts.
import { readRoot } from '../../key-files.ts'
import { repositoryAddress } from '../../rom-library.ts'
import type { CommandContext } from '../command.ts'
import { withLibrary } from '../library.ts'

export interface RepoAddOptions {
  readonly root: string
  readonly name?: string
  readonly mirror?: readonly string[]
}

/** Trusts the given root, and looks at once whether the repository is there and holds; it stays added when it is only out of reach. */
export async function repoAdd(
  context: CommandContext,
  address: string,
  options: RepoAddOptions,
): Promise<number> {
  const { output, signal } = context
  const url = repositoryAddress(address)
  const name = options.name ?? (new URL(url).hostname || 'folder')
  const root = await readRoot(options.root)
  return withLibrary(context, async (library) => {
    const mirrors = (options.mirror ?? []).map(repositoryAddress)
    const { repository, listing } = await library.trust({ name, url, mirrors }, root, signal)
    output.data({ repository, roms: listing.roms.length, publishedAt: listing.publishedAt })
    output.line(`${name}  ${url}  ${listing.roms.length} ROMs`)
    return 0
  })
}

export async function repoList(context: CommandContext): Promise<number> {
  const { output } = context
  return withLibrary(context, async (library) => {
    const repositories = await library.repositories.list()
    output.data({ repositories })
    if (repositories.length === 0)
      output.line('No repositories; `slotbench repo add URL --root root.json` adds one.')
    for (const { name, url, mirrors } of repositories)
      output.line(
        `${name}  ${url ?? 'comes on sticks'}${mirrors.map((mirror) => `  mirror ${mirror}`).join('')}`,
      )
    return 0
  })
}

export async function repoRemove(context: CommandContext, name: string): Promise<number> {
  return withLibrary(context, async (library) => {
    await library.repositories.remove(name)
    context.output.data({ removed: name })
    context.output.line(`${name} is not asked any more; what was fetched from it stays in the cache.`)
    return 0
  })
}
