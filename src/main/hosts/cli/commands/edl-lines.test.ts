import { describe, expect, it } from 'vitest'
import type { PackageTable, RomInfo } from '../../../../shared/rom.ts'
import { edlLines } from './edl-lines.ts'

const at = (plus: number, fromDisk: 0 | 1 = 0) => ({ fromDisk, plus })

function table(lun: number, last: PackageTable['lastUsable']): PackageTable {
  const entry = { index: 0, typeGuid: 'T', uniqueGuid: 'U', attributes: '0' }
  return {
    ...{ lun, sectorSize: 4096, diskGuid: 'D', entryCount: 32, firstUsable: at(6), lastUsable: last },
    entries: [
      { ...entry, name: 'persist', first: at(6), last: at(9) },
      { ...entry, name: 'userdata', first: at(10), last },
    ],
  }
}

const ROM: RomInfo = {
  ...{
    kind: 'edl-zip',
    path: '/p.zip',
    packageSize: 1,
    fingerprint: 'f',
    models: [],
    full: true,
    downgrade: false,
  },
  ...{ requirements: [], dynamicGroups: [], notes: [] },
  images: [{ name: 'xbl', slot: 'a', slotted: 'yes', placement: 'physical', size: 1 }],
  edl: {
    flavour: 'ufs/asic',
    flavours: ['ufs/asic', 'emmc/asic'],
    memory: 'ufs',
    sectorSize: 4096,
    luns: [0, 1, 2],
    loaders: [{ name: 'prog_firehose_ddr.elf', size: 600_000, sha256: 'ab'.repeat(32) }],
    names: [
      { value: 'NX769J', source: 'build fingerprint' },
      { value: 'NX741J', source: 'name of the package' },
    ],
    programs: [{ label: 'xbl_a', file: 'xbl.elf', lun: 1, start: '6', sectors: 8 }],
    skipped: [],
  },
  tables: [table(0, at(-6, 1)), table(1, at(900))],
}

describe('an EDL package in words', () => {
  it('says what it is made of', () => {
    expect(edlLines(ROM)).toEqual([
      ['Flavour', 'ufs/asic (also there: emmc/asic)'],
      ['Storage', 'UFS, sectors of 4096 bytes'],
      ['Slots', 'the package holds slot a only'],
      ['LUNs', '0: 0 files, table of 2 partitions, userdata up to the end of the disk'],
      ['', '1: 1 file, table of 2 partitions, for a disk of one certain size'],
      ['', '2: 0 files, no partition table'],
      ['Programmers', 'prog_firehose_ddr.elf, 600.0 KB, abababababababab'],
      ['Names', 'NX769J (build fingerprint)'],
      ['', 'NX741J (name of the package)'],
    ])
  })

  it('says nothing of other packages', () => {
    const { edl: _edl, tables: _tables, ...other } = ROM
    expect(edlLines(other)).toEqual([])
  })
})
