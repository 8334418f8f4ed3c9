// The command line: commands, options, and what Ctrl-C does.
import { Argument, Command, CommanderError, Option } from 'commander'
import { EXIT } from '../../../shared/error-catalogue.ts'
import { POLICIES, type Policy } from '../../../shared/plan.ts'
import type { RebootTarget } from '../../terminals/types.ts'
import { dataFolder } from '../data-folder.ts'
import { VERSION } from '../version.ts'
import { namedSize, number, size } from './arguments.ts'
import type { CommandContext } from './command.ts'
import type { ApplyDeltaOptions } from './commands/apply-delta.ts'
import { type DoctorOptions, doctor } from './commands/doctor.ts'
import { flash, planCommand, resume } from './commands/flash.ts'
import { jobs, report } from './commands/history.ts'
import { type InfoOptions, info } from './commands/info.ts'
import { inspect } from './commands/inspect.ts'
import { list } from './commands/list.ts'
import type { FlashOptions } from './commands/prepare.ts'
import { guide, REBOOT_TARGETS, type RebootOptions, reboot } from './commands/reboot.ts'
import type { SimulateOptions } from './commands/simulate.ts'
import type { StationOptions } from './commands/station.ts'
import type { SupportOptions } from './commands/support.ts'
import { type TrustAddOptions, trustAdd, trustList, trustRemove } from './commands/trust.ts'
import { libraryCommands } from './library-commands.ts'
import { createOutput } from './output.ts'
import { reported } from './progress.ts'
import { misunderstood, onInterrupt } from './run-program.ts'
import { backupCommands, partitionCommands, withLoader } from './storage-program.ts'

/** What only some commands need is loaded by them: every start of the program would pay for it. */
type Work = (context: CommandContext) => Promise<number>

/** @param args without the program's own name. @returns the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
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
  const { json, data, adbServer } = program.opts<{ json: boolean; data?: string; adbServer: boolean }>()
  const output = createOutput(json || args.includes('--json'))
  const interrupts = onInterrupt(() =>
    output.note('Stopping; the job can be resumed. Press Ctrl-C again to stop at once.'),
  )
  try {
    return await reported(output, () =>
      chosen === undefined
        ? Promise.resolve(EXIT.usage)
        : chosen({
            output,
            data: dataFolder(data),
            throughAdbServer: adbServer,
            signal: interrupts.signal,
          }),
    )
  } finally {
    interrupts.stop()
  }
}

const ROM =
  'OTA zip, payload.bin, image set or EDL package (folder or zip), or the name of a ROM in a repository'

function buildProgram(choose: (work: Work) => void): Command {
  const program = new Command('slotbench')
    .description(
      'Flash and recover ZTE terminals, slot by slot. A terminal never ends worse than it came in.',
    )
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .option('--json', 'print one JSON document (jobs: one event a line) instead of words', false)
    .option(
      '--data <folder>',
      'where journal, reports and backups are kept (default: the system’s place, or $SLOTBENCH_DATA)',
    )
  program.option('--adb-server', 'go through a running adb server where that holds the terminal', false)
  program
    .command('list')
    .description('show what is attached, on which bay, in which mode')
    .argument('[endpoint...]', 'network endpoints to look at too, tcp:HOST:PORT')
    .action((endpoints: string[]) => choose((c) => list(c, endpoints)))
  program
    .command('doctor')
    .description(
      'find out why a terminal is not seen or cannot be opened: drivers, permissions, cables, other programs',
    )
    .option('--install-udev', 'Linux: install the udev rule, or say what to type when that needs root', false)
    .action((o: DoctorOptions) => choose((c) => doctor(c, o)))
  terminalCommands(program, choose)
  program
    .command('inspect')
    .description('show what a package is and holds')
    .argument('<rom>', ROM)
    .option('--verify', 'check every digest and signature in it, and say whether it is genuine', false)
    .option('--flavour <name>', 'which variant, of an EDL package that holds several')
    .action((rom: string, o: { verify: boolean; flavour?: string }) => choose((c) => inspect(c, rom, o)))
  trustCommands(program, choose)
  program
    .command('apply-delta')
    .description('make the full package of a build out of a delta and the full package it starts from')
    .argument('<delta>', 'OTA zip or payload.bin that holds differences')
    .requiredOption('--base <rom>', 'the full package of the build that the delta starts from')
    .requiredOption('--out <folder>', 'where the new package goes; unfinished work in it is gone on with')
    .action((delta: string, o: ApplyDeltaOptions) =>
      choose(async (c) => (await import('./commands/apply-delta.ts')).applyDeltaCommand(c, delta, o)),
    )
  flashOptions(program.command('plan').description('show what flashing would do; writes nothing'))
    .option('--survey', 'restart the terminal into the modes that know what the plan needs', false)
    .action((rom: string, o: FlashOptions) => choose((c) => planCommand(c, rom, o)))
  flashOptions(
    program
      .command('flash')
      .description('write a ROM to a terminal, verify it, switch the slot and see it boot'),
  )
    .option('-y, --yes', 'do not ask before writing', false)
    .action((rom: string, o: FlashOptions & { yes: boolean }) => choose((c) => flash(c, rom, o)))
  flashOptions(
    program
      .command('rescue')
      .description(
        'bring a terminal in EDL that boots nothing back to life: both slots, one after the other',
      ),
    'rescue',
  )
    .option('-y, --yes', 'do not ask before writing', false)
    .action((rom: string, o: FlashOptions & { yes: boolean }) => choose((c) => flash(c, rom, o)))
  program
    .command('resume')
    .description('go on with a job from its first unproven step')
    .argument('<job>', 'its number, see `slotbench jobs`')
    .option('-t, --terminal <serial or bay>', 'where the terminal is now, if it was moved')
    .option('--loader <file...>', 'for EDL, if it is not remembered')
    .action((job: string, o: { terminal?: string; loader?: string[] }) => choose((c) => resume(c, job, o)))
  program
    .command('jobs')
    .description('list the jobs of this bench')
    .action(() => choose(jobs))
  program
    .command('report')
    .description('show and write the report of a job')
    .argument('<job>')
    .option('--page', 'print the readable page (HTML)', false)
    .action((job: string, o: { page: boolean }) => choose((c) => report(c, job, o)))
  program
    .command('support')
    .description(
      'write one file for whoever helps from afar; it names no terminal, no person and no computer',
    )
    .argument('<job...>')
    .option('--out <file>', 'where it goes (default: here, as slotbench-support-JOB.zip)')
    .action((jobs: string[], o: SupportOptions) =>
      choose(async (c) => (await import('./commands/support.ts')).support(c, jobs, o)),
    )
  libraryCommands(program, choose)
  partitionCommands(program, choose)
  backupCommands(program, choose)
  simulatorCommands(program, choose)
  return program
}

function terminalCommands(program: Command, choose: (work: Work) => void): void {
  const terminal = 'serial number, bay (usb:1-2), or tcp:HOST:PORT[,ADBPORT]'
  withLoader(
    program
      .command('info')
      .description('show everything a terminal tells of itself, with where it was read; writes nothing'),
  )
    .argument('<terminal>', terminal)
    .option(
      '--survey',
      'restart it into its bootloader, and into fastbootd where it has super, to read what only they know',
      false,
    )
    .action((name: string, o: InfoOptions) => choose((c) => info(c, name, o)))
  withLoader(
    program
      .command('reboot')
      .description('bring a terminal into another mode, by its own commands or with your hands'),
  )
    .argument('<terminal>', terminal)
    .addArgument(new Argument('<mode>', 'where to').choices(REBOOT_TARGETS))
    .option('--wait <seconds>', 'how long to wait for it, and for your hands', number, 300)
    .action((name: string, mode: RebootTarget, o: RebootOptions) => choose((c) => reboot(c, name, mode, o)))
  program
    .command('guide')
    .description('show how hands bring a terminal into a mode; without a mode, which guides there are')
    .argument('[mode]', 'bootloader, fastbootd, recovery, sideload, system, edl, …')
    .action((name?: string) => choose((c) => guide(c, name)))
}

function trustCommands(program: Command, choose: (work: Work) => void): void {
  const trust = program.command('trust').description('the keys of publishers that this bench trusts')
  trust
    .command('list')
    .description('show them')
    .action(() => choose(trustList))
  trust
    .command('add')
    .description('trust what this key signs')
    .argument(
      '<file>',
      'certificate or public key (PEM or DER), or AVB public key (avbtool extract_public_key)',
    )
    .option('--name <name>', 'what to call it; the certificate’s own name when left out')
    .action((file: string, o: TrustAddOptions) => choose((c) => trustAdd(c, file, o)))
  trust
    .command('remove')
    .description('trust a key no longer')
    .argument('<key>', 'its name, or the beginning of its fingerprint')
    .action((key: string) => choose((c) => trustRemove(c, key)))
}

function simulatorCommands(program: Command, choose: (work: Work) => void): void {
  program
    .command('simulate')
    .description('run a simulated terminal, reachable by any fastboot over TCP')
    .option('--profile <name>', 'what to simulate', 'nx679j')
    .option('--fastboot-tcp <port>', 'port on 127.0.0.1; 0 picks a free one', number, 5554)
    .option(
      '--adb-tcp <port>',
      'also answer adb in system and recovery, on this port; 0 picks a free one',
      number,
    )
    .option('--serial <serial>', 'its serial number')
    .option('--locked', 'with a locked bootloader', false)
    .option(
      '--size <partition=size...>',
      'partitions of another size, e.g. system=8MB boot=1MB',
      namedSize,
      {},
    )
    .option('--max-download <size>', 'the most that it takes in one download', size)
    .option('--link-speed <size>', 'how much it takes per second, e.g. 38MB as over USB 2', size)
    .option('--boot-ms <ms>', 'how long each start takes', number, 1_500)
    .option(
      '--after-boot <where>',
      'what a technician’s hands do after each boot: leave it in system, or bring it back to the bootloader',
      'bootloader',
    )
    .option(
      '--write-rom <file>',
      'first write a full OTA package for this terminal there, newer than what is installed',
    )
    .action((o: SimulateOptions) =>
      choose(async (c) => (await import('./commands/simulate.ts')).simulate(c, o)),
    )
  program
    .command('station')
    .description('serve the interface to a browser on this computer')
    .option('--port <port>', 'port on 127.0.0.1; 0 picks a free one', number, 0)
    .option('--simulate <count>', 'begin with so many simulated terminals', number, 0)
    .action((o: StationOptions) => choose(async (c) => (await import('./commands/station.ts')).station(c, o)))
  program
    .command('demo')
    .description('the main job, start to end, on a simulated terminal')
    .action(() => choose(async (c) => (await import('./commands/demo.ts')).demo(c)))
}

function flashOptions(command: Command, policy: Policy = 'seamless'): Command {
  return withLoader(command)
    .argument('<rom>', ROM)
    .option('-t, --terminal <serial or bay>', 'the terminal: serial number, bay (usb:1-2), or tcp:HOST:PORT')
    .addOption(new Option('-p, --policy <policy>', 'how to use the slots').choices(POLICIES).default(policy))
    .option('--wipe', 'erase the user’s data just before the switch', false)
    .option('--battery-limit <percent>', 'start nothing below this charge', number, 30)
    .option(
      '--give-up-other-slot',
      'where super has no room for both slots: delete what the slot that runs has in it; there is no way back until the job is done',
      false,
    )
    .option(
      '--package-tables',
      'EDL: put the partition tables of the package in the place of the terminal’s; refused where data that is to be kept would be lost',
      false,
    )
    .option(
      '--extend-userdata',
      'with --package-tables: userdata up to the end of the disk, where the package’s table is for a smaller one',
      false,
    )
    .option('--flavour <name>', 'which variant, of an EDL package that holds several')
    .option('--assume-model <name>', 'vouch that package and terminal belong to this model')
    .option('--proof-timeout <seconds>', 'how long to wait for the new build to be seen booting', number, 600)
}
