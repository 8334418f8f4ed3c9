// Partition tables as EDL packages carry them: binaries for a disk of no particular size, and the patches that fit them to the disk
// (zte-domain §3.1; the shape is that of the chip maker's ptool).
import { encodeGpt, type GptTable, gptUsable } from '../../main/core/formats/gpt.ts'

/** What grows to the end of the disk. */
const GROWING = 'userdata'
/** Sectors of it in the binary, before it is patched. */
const UNGROWN = 16
const ENTRY_BYTES = 128

export interface TableFiles {
  /** LBA 0 to the end of the entries. */
  readonly main: Uint8Array<ArrayBuffer>
  /** Entries and header of the backup. */
  readonly backup: Uint8Array<ArrayBuffer>
  readonly patches: readonly TablePatch[]
}

export interface TablePatch {
  readonly byteOffset: number
  /** `DISK`, or a file of the package for tools that patch before they send. */
  readonly filename: string
  readonly sizeInBytes: number
  readonly startSector: string
  readonly value: string
  readonly what: string
}

/** @param lun for the names of the files. @param fixed nothing grows: userdata is as large as the table says. */
export function tableFiles(lun: number, table: GptTable, fixed: boolean): TableFiles {
  const growing = fixed ? undefined : table.entries.find(({ name }) => name === GROWING)
  const { protectiveMbr, primary, backup } = encodeGpt(growing ? ungrown(table, growing.firstLba) : table)
  const main = new Uint8Array(protectiveMbr.length + primary.bytes.length)
  main.set(protectiveMbr)
  main.set(primary.bytes, protectiveMbr.length)
  return { main, backup: backup.bytes, patches: patchesOf(lun, table, growing?.lastLba) }
}

/** The table for the smallest disk that it fits on. */
function ungrown(table: GptTable, first: number): GptTable {
  const last = first + UNGROWN - 1
  const diskSectors = last + 1 + backupSectors(table)
  const { lastUsable } = gptUsable(table.sectorSize, diskSectors, table.entryCount)
  const entries = table.entries.map((entry) => (entry.name === GROWING ? { ...entry, lastLba: last } : entry))
  return { ...table, diskSectors, lastUsable, entries }
}

function backupSectors({ sectorSize, entryCount }: GptTable): number {
  return 1 + Math.ceil((entryCount * ENTRY_BYTES) / sectorSize)
}

/** @param grownTo last sector of what grows. */
function patchesOf(lun: number, table: GptTable, grownTo: number | undefined): readonly TablePatch[] {
  const back = backupSectors(table)
  const fromEnd = (sectors: number) => `NUM_DISK_SECTORS-${sectors}.`
  const [lastHeader, lastEntries] = [fromEnd(1), fromEnd(back)]
  const disk = (
    startSector: string,
    byteOffset: number,
    sizeInBytes: number,
    value: string,
    what: string,
  ) => ({
    ...{ filename: 'DISK', startSector, byteOffset, sizeInBytes, value, what },
  })
  const patches: TablePatch[] = []
  if (grownTo !== undefined) {
    const index = table.entries.findIndex(({ name }) => name === GROWING)
    const at = index * ENTRY_BYTES + 40
    const [sector, within] = [Math.floor(at / table.sectorSize), at % table.sectorSize]
    const value = fromEnd(table.diskSectors - grownTo)
    const grow = (filename: string, startSector: string, copy: string): TablePatch => ({
      ...{ filename, startSector, byteOffset: within, sizeInBytes: 8, value },
      what: `Update last partition ${index + 1} '${GROWING}' with actual size in ${copy} Header.`,
    })
    const inBackup = sector === 0 ? lastEntries : fromEnd(back - sector)
    patches.push(
      grow(`gpt_main${lun}.bin`, String(2 + sector), 'Primary'),
      grow('DISK', String(2 + sector), 'Primary'),
      grow(`gpt_backup${lun}.bin`, String(sector), 'Backup'),
      grow('DISK', inBackup, 'Backup'),
    )
  }
  const lastUsable = fromEnd(back + 1)
  const entryBytes = table.entryCount * ENTRY_BYTES
  patches.push(
    disk('1', 48, 8, lastUsable, 'Update Primary Header with LastUseableLBA.'),
    disk(lastHeader, 48, 8, lastUsable, 'Update Backup Header with LastUseableLBA.'),
    disk('1', 32, 8, lastHeader, 'Update Primary Header with BackupGPT Header Location.'),
    disk(lastHeader, 24, 8, lastHeader, 'Update Backup Header with CurrentLBA.'),
    disk(lastHeader, 72, 8, lastEntries, 'Update Backup Header with Partition Array Location.'),
    disk('1', 88, 4, `CRC32(2,${entryBytes})`, 'Update Primary Header with CRC of Partition Array.'),
    disk(
      lastHeader,
      88,
      4,
      `CRC32(${lastEntries},${entryBytes})`,
      'Update Backup Header with CRC of Partition Array.',
    ),
    disk('1', 16, 4, '0', 'Zero Out Header CRC in Primary Header.'),
    disk('1', 16, 4, 'CRC32(1,92)', 'Update Primary Header with CRC of Primary Header.'),
    disk(lastHeader, 16, 4, '0', 'Zero Out Header CRC in Backup Header.'),
    disk(lastHeader, 16, 4, `CRC32(${lastHeader},92)`, 'Update Backup Header with CRC of Backup Header.'),
  )
  return patches
}
