// The commands about repositories, the cache and sticks.
import type { Command } from 'commander'
import { number, size } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { cacheList, cachePin, cachePrune, cacheServe } from './commands/cache.ts'
import { type RepoAddOptions, repoAdd, repoList, repoRemove } from './commands/repositories.ts'
import { fetchCommand, type RomsOptions, roms } from './commands/roms.ts'
import { exportStick, type ImportOptions, importStick } from './commands/stick.ts'

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
    .action((url: string, o: RepoAddOptions) => choose((c) => repoAdd(c, url, o)))
  repo
    .command('list')
    .description('show the repositories')
    .action(() => choose(repoList))
  repo
    .command('remove')
    .description('ask a repository no more')
    .argument('<name>')
    .action((name: string) => choose((c) => repoRemove(c, name)))
  program
    .command('roms')
    .description('list the ROMs of all repositories')
    .option('--for <terminal>', 'only those that this terminal may have, with reasons')
    .option('--channel <channel...>', 'channels to take part in (default: stable)')
    .action((o: RomsOptions) => choose((c) => roms(c, o)))
  program
    .command('fetch')
    .description('bring a ROM into the cache; goes on where it was stopped')
    .argument('<rom>', 'name, PUBLISHER/NAME, build, or how its SHA-256 begins')
    .action((rom: string) => choose((c) => fetchCommand(c, rom)))
  program
    .command('export')
    .description('write ROMs to a stick, with the signatures of their repository')
    .argument('<rom-and-folder...>', 'ROMs of one repository, then the folder')
    .action((names: string[]) => choose((c) => exportStick(c, names)))
  program
    .command('import')
    .description('take ROMs from a stick into the cache, every signature checked')
    .argument('<folder>')
    .option('--root <file>', 'trust this root.json, when the bench does not know the repository yet')
    .option('--name <name>', 'the repository that it belongs to')
    .action((folder: string, o: ImportOptions) => choose((c) => importStick(c, folder, o)))
  cacheCommands(program, choose)
}

function cacheCommands(program: Command, choose: Choose): void {
  const cache = program
    .command('cache')
    .description('ROMs that were fetched; $SLOTBENCH_CACHE names a folder that several benches share')
  cache
    .command('list')
    .description('show them, last used first')
    .action(() => choose(cacheList))
  for (const [name, words] of [
    ['pin', 'keep a ROM, whatever room is needed'],
    ['unpin', 'let it go when room is needed'],
  ] as const)
    cache
      .command(name)
      .description(words)
      .argument('<rom>')
      .action((rom: string) => choose((c) => cachePin(c, rom, name === 'pin')))
  cache
    .command('prune')
    .description('remove what was not used for longest')
    .option('--limit <size>', 'until this much is left, e.g. 20GB (default: the cache’s limit)', size)
    .action((o: { limit?: number }) => choose((c) => cachePrune(c, o.limit)))
  cache
    .command('serve')
    .description('let other benches fetch from it over HTTP, until Ctrl-C')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', '0 picks a free one', number, 8081)
    .action((o: { host: string; port: number }) => choose((c) => cacheServe(c, o)))
}
