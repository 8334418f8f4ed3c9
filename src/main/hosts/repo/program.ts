// The command line of whoever owns or serves a firmware repository.
import { Command, CommanderError } from 'commander'
import { EXIT } from '../../../shared/error-catalogue.ts'
import { number, size } from '../cli/arguments.ts'
import { createOutput } from '../cli/output.ts'
import { reported } from '../cli/progress.ts'
import { misunderstood, onInterrupt } from '../cli/run-program.ts'
import { VERSION } from '../version.ts'
import * as content from './commands/content.ts'
import * as keys from './commands/keys.ts'
import type { RepoContext, SignOptions } from './context.ts'

type Work = (context: RepoContext) => Promise<number>
type Choose = (work: Work) => void

/** @param args without the program's own name. @returns the exit code. */
export async function runRepoCli(args: readonly string[]): Promise<number> {
  let chosen: Work | undefined
  const program = buildProgram((work) => {
    chosen = work
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return misunderstood(error, args)
    throw error
  }
  const { json } = program.opts<{ json: boolean }>()
  const output = createOutput(json || args.includes('--json'))
  const interrupts = onInterrupt(() => output.note('Stopping. Press Ctrl-C again to stop at once.'))
  try {
    return await reported(output, () =>
      chosen === undefined ? Promise.resolve(EXIT.usage) : chosen({ output, signal: interrupts.signal }),
    )
  } finally {
    interrupts.stop()
  }
}

function buildProgram(choose: Choose): Command {
  const program = new Command('slotbench-repo')
    .description('Keep a signed repository of firmware: nothing half-published is ever seen by a bench.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .option('--json', 'print one JSON document instead of words', false)
  keyCommands(program, choose)
  contentCommands(program, choose)
  serverCommands(program, choose)
  return program
}

const REPOSITORY = 'folder of the repository'

/** Options of every command that signs. */
function signing(command: Command): Command {
  return command
    .option('--keys <folder...>', 'where keys are (default: keys and root-keys in the repository)')
    .option(
      '--passphrase-file <file>',
      'what opens the keys; otherwise $SLOTBENCH_REPO_PASSPHRASE, or it is asked for',
    )
    .option('--timestamp-days <days>', 'how long this edition counts (14)', number)
    .option('--snapshot-days <days>', 'how long its list of metadata counts (30)', number)
    .option('--targets-days <days>', 'how long what owner and publishers sign counts (180)', number)
    .option('--root-days <days>', 'how long a new root counts (365)', number)
}

function keyCommands(program: Command, choose: Choose): void {
  signing(program.command('init').description('make a repository and its keys'))
    .argument('<repository>', REPOSITORY)
    .option('--root-keys <folder>', 'where the root’s keys go; best a stick that is then taken away')
    .option('--root-count <count>', 'keys of the root', number, 1)
    .option('--root-threshold <count>', 'how many of them have to sign; all when left out', number)
    .option('--targets-count <count>', 'keys of the owner', number, 1)
    .option('--targets-threshold <count>', 'how many of them have to sign; all when left out', number)
    .action((repository: string, o: keys.InitOptions) => choose((c) => keys.init(c, repository, o)))
  const group = program.command('keys').description('who may sign for what')
  signing(group.command('list').description('show roles, their keys, and when they expire'))
    .argument('<repository>', REPOSITORY)
    .action((repository: string, o: SignOptions) => choose((c) => keys.listKeys(c, repository, o)))
  signing(group.command('publisher').description('make keys for a new publisher'))
    .argument('<repository>', REPOSITORY)
    .argument('<name>', 'small letters, digits, dashes')
    .option('--count <count>', 'how many keys', number, 1)
    .option('--threshold <count>', 'how many of them have to sign; all when left out', number)
    .action((repository: string, name: string, o: keys.NewKeys) =>
      choose((c) => keys.newPublisher(c, repository, name, o)),
    )
  signing(
    program
      .command('rotate')
      .description('hand a role to new keys; needs the root’s keys for all but publishers'),
  )
    .argument('<repository>', REPOSITORY)
    .argument('<role>', 'root, targets, snapshot, timestamp, or a publisher')
    .option('--count <count>', 'how many new keys', number, 1)
    .option('--threshold <count>', 'how many of them have to sign; all when left out', number)
    .option('--renew', 'root: the same keys sign it for another while', false)
    .action((repository: string, role: string, o: keys.NewKeys & { renew: boolean }) =>
      choose((c) => keys.rotateRole(c, repository, role, o)),
    )
}

function contentCommands(program: Command, choose: Choose): void {
  program
    .command('add')
    .description('read and verify a package, and stage it')
    .argument('<repository>', REPOSITORY)
    .argument('<package>', 'OTA zip, payload.bin, or a zip of images')
    .requiredOption('--publisher <name>', 'who publishes it')
    .option('--name <name>', 'its name in the repository (default: the file’s)')
    .option('--notes <words>', 'shown to technicians')
    .action((repository: string, path: string, o: content.AddOptions) =>
      choose((c) => content.add(c, repository, path, o)),
    )
  program
    .command('deploy')
    .description('stage deployment rules: which ROM is for which terminals')
    .argument('<repository>', REPOSITORY)
    .argument('<rules>', 'JSON')
    .action((repository: string, path: string) => choose((c) => content.deploy(c, repository, path)))
  program
    .command('withdraw')
    .description('stage the withdrawal of a ROM')
    .argument('<repository>', REPOSITORY)
    .argument('<rom>', 'PUBLISHER/NAME')
    .action((repository: string, rom: string) => choose((c) => content.withdraw(c, repository, rom)))
  signing(
    program
      .command('publish')
      .description('make everything staged public at once, and vouch for the rest anew'),
  )
    .argument('<repository>', REPOSITORY)
    .action((repository: string, o: SignOptions) => choose((c) => content.publishAll(c, repository, o)))
  const simple = [
    ['status', 'show what is public and what is staged', content.status],
    ['verify', 'check every signature, file and chunk index, as a bench would', content.verifyAll],
    ['prune', 'remove files that the present edition does not name', content.pruneAll],
  ] as const
  for (const [name, words, run] of simple)
    program
      .command(name)
      .description(words)
      .argument('<repository>', REPOSITORY)
      .action((repository: string) => choose((c) => run(c, repository)))
}

/** The web server takes a moment to load, and nothing else needs it. */
function serverCommands(program: Command, choose: Choose): void {
  const load = () => import('./commands/serve.ts')
  program
    .command('serve')
    .description('serve the repository over HTTP until Ctrl-C')
    .argument('<repository>', REPOSITORY)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', '0 picks a free one', number, 8080)
    .option('--uploads', 'take packages from publishers with a token', false)
    .option('--max-upload <size>', 'largest package that is taken', size, 16 * 1024 ** 3)
    .action((repository: string, o: { host: string; port: number; uploads: boolean; maxUpload: number }) =>
      choose(async (c) => (await load()).serve(c, repository, o)),
    )
  const token = program.command('token').description('tokens for uploads')
  token
    .command('create')
    .argument('<repository>', REPOSITORY)
    .argument('<name>', 'whose it is')
    .requiredOption('--publisher <name>', 'for whom it may bring packages')
    .action((repository: string, name: string, o: { publisher: string }) =>
      choose(async (c) => (await load()).newToken(c, repository, name, o)),
    )
  token
    .command('list')
    .argument('<repository>', REPOSITORY)
    .action((repository: string) => choose(async (c) => (await load()).tokens(c, repository)))
  token
    .command('remove')
    .argument('<repository>', REPOSITORY)
    .argument('<name>')
    .action((repository: string, name: string) =>
      choose(async (c) => (await load()).dropToken(c, repository, name)),
    )
  program
    .command('upload')
    .description('bring a package to a server; its owner publishes it')
    .argument('<url>', 'address of the server')
    .argument('<package>')
    .requiredOption('--publisher <name>', 'for whom')
    .option('--name <name>', 'its name in the repository (default: the file’s)')
    .option('--token-file <file>', 'the token; otherwise $SLOTBENCH_REPO_TOKEN')
    .action((url: string, path: string, o: { publisher: string; name?: string; tokenFile?: string }) =>
      choose(async (c) => (await load()).upload(c, url, path, o)),
    )
}
