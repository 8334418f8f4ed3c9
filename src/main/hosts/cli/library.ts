// The bench's ROM library for commands: opened, closed, and its problems told.
import type { SlotbenchError } from '../../../shared/errors.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { FetchOptions } from '../../repository/fetch-rom.ts'
import { SettingsStore } from '../bench-engine/settings-store.ts'
import { type ListedRepository, RomLibrary } from '../rom-library.ts'
import type { CommandContext } from './command.ts'
import { showPass } from './progress.ts'

export async function withLibrary<T>(
  context: CommandContext,
  work: (library: RomLibrary) => Promise<T>,
): Promise<T> {
  const workshop = createWorkshop()
  // As large as it was set in the window: a command must not remove what the window keeps.
  const { cacheLimit: limit } = new SettingsStore(context.data).settings
  const library = new RomLibrary({ data: context.data, workshop, limit })
  try {
    return await work(library)
  } finally {
    await library.close()
    await workshop.close()
  }
}

/** Every repository that can be listed; the others are named with their problem.
 * @throws SlotbenchError of the only problem, when nothing at all can be listed. */
export async function listAll(
  library: RomLibrary,
  context: CommandContext,
): Promise<readonly ListedRepository[]> {
  const problems: SlotbenchError[] = []
  const listed = await library.roms(context.signal, (repository, error) => {
    problems.push(error)
    context.output.note(`${repository.name}: ${error.meaning} ${error.message} [${error.code}]`)
  })
  const [first] = problems
  if (listed.length === 0 && first !== undefined) throw first
  return listed
}

/** Progress of a download, as of other passes. */
export function showFetch({ output, signal }: CommandContext): FetchOptions {
  const show = showPass(output, 'Fetching')
  return {
    signal,
    onProgress: ({ done, total }) => show(done, total),
    onTrouble: (error) => output.note(`  ${error.message} [${error.code}]`),
    onWait: (owner) => output.note(`Waiting: ${owner} fetches the same ROM …`),
  }
}
