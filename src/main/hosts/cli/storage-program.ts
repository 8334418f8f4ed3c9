// The command line's part for single partitions and backups.
import type { Command } from 'commander'
import { size } from './arguments.ts'
import type { CommandContext } from './command.ts'
import {
  type BackupOptions,
  backup,
  backups,
  exportBackup,
  type RestoreOptions,
  restore,
} from './commands/backups.ts'
import type { OnTerminal } from './commands/open-flash.ts'
import {
  digestPartition,
  partitions,
  readPartition,
  type WriteOptions,
  writePartition,
} from './commands/partitions.ts'

type Choose = (work: (context: CommandContext) => Promise<number>) => void

/** A terminal in EDL needs its programmer. */
export function withLoader(command: Command): Command {
  return command.option(
    '--loader <file...>',
    'for EDL: the maker’s programmer for this terminal (prog_firehose*)',
  )
}

function onTerminal(command: Command): Command {
  return withLoader(
    command.option(
      '-t, --terminal <serial or bay>',
      'the terminal: serial number, bay (usb:1-2), or tcp:HOST:PORT',
    ),
  )
}

export function partitionCommands(program: Command, choose: Choose): void {
  onTerminal(program.command('partitions').description('list the partitions of a terminal')).action(
    (o: OnTerminal) => choose((c) => partitions(c, o)),
  )
  onTerminal(program.command('read').description('read one partition into a file'))
    .argument('<partition>', 'full name, such as boot_a')
    .argument('<file>')
    .action((partition: string, file: string, o: OnTerminal) =>
      choose((c) => readPartition(c, o, { partition, file })),
    )
  onTerminal(program.command('digest').description('the SHA-256 of one partition as the terminal holds it'))
    .argument('<partition>', 'full name, such as boot_a')
    .option('--size <size>', 'of its first bytes only', size)
    .action((partition: string, o: OnTerminal & { size?: number }) =>
      choose((c) => digestPartition(c, o, { partition, ...(o.size === undefined ? {} : { size: o.size }) })),
    )
  onTerminal(
    program
      .command('write')
      .description(
        'write a file to one partition; what is there is kept first, what was written is read back',
      ),
  )
    .argument('<partition>', 'full name, such as boot_b')
    .argument('<file>', 'raw or Android sparse')
    .option('--active-slot', 'you know that the partition belongs to the slot that is active', false)
    .option('-y, --yes', 'do not ask before writing', false)
    .action((partition: string, file: string, o: WriteOptions) =>
      choose((c) => writePartition(c, o, { partition, file })),
    )
}

export function backupCommands(program: Command, choose: Choose): void {
  onTerminal(
    program
      .command('backup')
      .description('keep what belongs to this terminal alone: radio and identity partitions'),
  )
    .option('--partition <name...>', 'these instead')
    .action((o: BackupOptions) => choose((c) => backup(c, o)))
  program
    .command('backups')
    .description('list the backups of this bench, or copy one elsewhere')
    .option('--export <backup>', 'copy this one')
    .option('--to <folder>', 'where to', '.')
    .action((o: { export?: string; to: string }) =>
      choose((c) => (o.export === undefined ? backups(c) : exportBackup(c, o.export, o.to))),
    )
  onTerminal(
    program.command('restore').description('bring a backup back to the very terminal that it was read from'),
  )
    .argument('<backup>', 'its id, see `slotbench backups`, or the folder of an exported one')
    .option('--partition <name...>', 'only these')
    .option('-y, --yes', 'do not ask before writing', false)
    .action((name: string, o: RestoreOptions) => choose((c) => restore(c, name, o)))
}
