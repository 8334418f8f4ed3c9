// The commands about repositories, the cache and sticks.
import type { Command } from 'commander'
import { number, size } from './arguments.ts'
import type { CommandContext } from './command.ts'
import type { RepoAddOptions } from './commands/repositories.ts'
import type { RomsOptions } from './commands/roms.ts'
import type { ImportOptions } from './commands/stick.ts'

type Choose = (work: (context: CommandContext) => Promise<number>) => void

export function libraryCommands(program: Command, choose: Choose): void {
  const repo = program.command('repo').description('firmware repositories that this bench trusts')
  repo
    .command('add')
    .description('trust a repository, by the root of trust that its owner gave you')
    .argument('<url>', 'http:, https:, or a folder')
    .requiredOption('--root <file>', 'root.json, from its owner by another way than the repository itself')
    .option('--name <name>', 'what to call it (default: its host)')
    .option('--mirror <url...>', 'where its files are too, nearer: asked for packages first')
    .action((url: string, o: RepoAddOptions) =>
      choose(async (c) => (await import('./commands/repositories.ts')).repoAdd(c, url, o)),
    )
  repo
    .command('list')
    .description('show the repositories')
    .action(() => choose(async (c) => (await import('./commands/repositories.ts')).repoList(c)))
  repo
    .command('remove')
    .description('ask a repository no more')
    .argument('<name>')
    .action((name: string) =>
      choose(async (c) => (await import('./commands/repositories.ts')).repoRemove(c, name)),
    )
  program
    .command('roms')
    .description('list the ROMs of all repositories')
    .option('--for <terminal>', 'only those that this terminal may have, with reasons')
    .option('--channel <channel...>', 'channels to take part in (default: stable)')
    .action((o: RomsOptions) => choose(async (c) => (await import('./commands/roms.ts')).roms(c, o)))
  program
    .command('fetch')
    .description('bring a ROM into the cache; goes on where it was stopped')
    .argument('<rom>', 'name, PUBLISHER/NAME, build, or how its SHA-256 begins')
    .action((rom: string) => choose(async (c) => (await import('./commands/roms.ts')).fetchCommand(c, rom)))
  program
    .command('export')
    .description('write ROMs to a stick, with the signatures of their repository')
    .argument('<rom-and-folder...>', 'ROMs of one repository, then the folder')
    .action((names: string[]) =>
      choose(async (c) => (await import('./commands/stick.ts')).exportStick(c, names)),
    )
  program
    .command('import')
    .description('take ROMs from a stick into the cache, every signature checked')
    .argument('<folder>')
    .option('--root <file>', 'trust this root.json, when the bench does not know the repository yet')
    .option('--name <name>', 'the repository that it belongs to')
    .action((folder: string, o: ImportOptions) =>
      choose(async (c) => (await import('./commands/stick.ts')).importStick(c, folder, o)),
    )
  cacheCommands(program, choose)
}

function cacheCommands(program: Command, choose: Choose): void {
  const cache = program
    .command('cache')
    .description('ROMs that were fetched; $SLOTBENCH_CACHE names a folder that several benches share')
  cache
    .command('list')
    .description('show them, last used first')
    .action(() => choose(async (c) => (await import('./commands/cache.ts')).cacheList(c)))
  for (const [name, words] of [
    ['pin', 'keep a ROM, whatever room is needed'],
    ['unpin', 'let it go when room is needed'],
  ] as const)
    cache
      .command(name)
      .description(words)
      .argument('<rom>')
      .action((rom: string) =>
        choose(async (c) => (await import('./commands/cache.ts')).cachePin(c, rom, name === 'pin')),
      )
  cache
    .command('prune')
    .description('remove what was not used for longest')
    .option('--limit <size>', 'until this much is left, e.g. 20GB (default: the cache’s limit)', size)
    .action((o: { limit?: number }) =>
      choose(async (c) => (await import('./commands/cache.ts')).cachePrune(c, o.limit)),
    )
  cache
    .command('serve')
    .description('let other benches fetch from it over HTTP, until Ctrl-C')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', '0 picks a free one', number, 8081)
    .action((o: { host: string; port: number }) =>
      choose(async (c) => (await import('./commands/cache.ts')).cacheServe(c, o)),
    )
}
