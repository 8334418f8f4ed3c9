// Partition tables of EDL packages: the maker's patches applied in memory give what sgdisk would have made.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { type EdlPartition, edlFiles, expectedTable } from '../../../../test/edl-package.ts'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { encodeGpt, type GptTable, gptUsable, readGpt, type SectorSize } from '../formats/gpt.ts'
import { parsePatchProgram } from '../formats/patch-program.ts'
import { parseRawprogram } from '../formats/rawprogram.ts'
import { isTableEntry } from './edl-images.ts'
import { applyTable, findTable, type TableRecipe } from './edl-tables.ts'
import { packageTable } from './package-table.ts'

const bytes = (content: Uint8Array | string | undefined) => Buffer.from(content as Uint8Array)

const PARTITIONS: readonly EdlPartition[] = [
  { name: 'persist', lun: 0, sectors: 16 },
  { name: 'misc', lun: 0, sectors: 8 },
  { name: 'userdata', lun: 0, sectors: 0 },
]

function recipeOf(
  files: Readonly<Record<string, Uint8Array | string>>,
  lun: number,
  sectorSize: SectorSize,
): TableRecipe {
  const { entries } = parseRawprogram(bytes(files[`rawprogram${lun}.xml`]), 'rawprogram')
  const patches = parsePatchProgram(bytes(files[`patch${lun}.xml`]), 'patch').entries
  const programs = entries.flatMap((entry) =>
    entry.kind === 'program' && isTableEntry(entry) && entry.file !== undefined
      ? [{ entry, bytes: bytes(files[entry.file]) }]
      : [],
  )
  return { lun, sectorSize, programs, patches }
}

async function found(recipe: TableRecipe) {
  const result = await findTable(recipe)
  if (typeof result === 'string') throw new Error(result)
  return result
}

describe('the table of an EDL package', () => {
  it.each([512, 4096] as const)('grows to any disk, %i-byte sectors', async (sectorSize) => {
    const recipe = recipeOf(edlFiles(PARTITIONS, { sectorSize }), 0, sectorSize)
    const { table, notes } = await found(recipe)
    expect(notes).toEqual([])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 400, max: 2 ** 31 }), async (diskSectors) => {
        const expected = expectedTable(PARTITIONS, 0, { diskSectors, sectorSize })
        expect(await applyTable(recipe, diskSectors)).toEqual({
          table: expected,
          primary: 'valid',
          backup: 'valid',
        })
        expect(packageTable(table, diskSectors)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('is refused on a disk that is too small for it', async () => {
    const { table } = await found(recipeOf(edlFiles(PARTITIONS), 0, 4096))
    expect(() => packageTable(table, 30)).toThrow(/LUN 0 does not fit a disk of 30 sectors/)
    expect(() => packageTable(table, 2)).toThrow(SlotbenchError)
  })

  // qdl's own patches for its own layout: rootfs grows to the end of LUN 0, last_parti to that of LUN 1.
  it.each([
    [0, ['efi', 'rootfs'], [2048, 0]],
    [1, ['xbl_a', 'xbl_config_a', 'xbl_b', 'xbl_config_b', 'last_parti'], [901, 128, 901, 128, 0]],
  ] as const)('is what qdl’s own files make of it, LUN %i', async (lun, names, sectors) => {
    const partitions = names.map((name, i) => ({ name, lun, sectors: sectors[i] ?? 0 }))
    const files = edlFiles(partitions)
    const own = {
      ...files,
      [`rawprogram${lun}.xml`]: readFileSync(fixture(`edl/rawprogram${lun}.xml`)),
      [`patch${lun}.xml`]: readFileSync(fixture(`edl/patch${lun}.xml`)),
    }
    const { table, notes } = await found(recipeOf(own, lun, 4096))
    expect(notes).toEqual([])
    for (const diskSectors of [8192, 65536, 60_000_001])
      expect(packageTable(table, diskSectors)).toEqual(
        expectedTable(partitions, lun, { diskSectors, sectorSize: 4096 }),
      )
  })

  it('of a fixed size stays as it is, and says that its backup is elsewhere', async () => {
    const whole = expectedTable(PARTITIONS, 0, { diskSectors: 1000, sectorSize: 4096 })
    const files = edlFiles(PARTITIONS)
    const { protectiveMbr, primary, backup } = encodeGpt(whole)
    const unpatched = {
      ...files,
      'gpt_main0.bin': Buffer.concat([protectiveMbr, primary.bytes]),
      'gpt_backup0.bin': backup.bytes,
      'patch0.xml': '<patches></patches>',
    }
    const { table, notes } = await found(recipeOf(unpatched, 0, 4096))
    expect(notes).toEqual([expect.stringContaining('the backup copy is not good')])
    expect(packageTable(table, 5000)).toMatchObject({ lastUsable: whole.lastUsable, entries: whole.entries })
  })

  it('is not there when no copy of it is whole', async () => {
    const files = edlFiles(PARTITIONS)
    const recipe = recipeOf({ ...files, 'patch0.xml': '<patches></patches>' }, 0, 4096)
    expect(await findTable(recipe)).toContain('LUN 0 cannot be read and is not used')
  })

  it.each([
    ['a sector behind the file', 'start_sector="2"', 'start_sector="900"'],
    ['a checksum behind the file', 'CRC32(0,4096)', 'CRC32(4,1000000)'],
    [
      'a checksum before the disk',
      'CRC32(NUM_DISK_SECTORS-1.,92)',
      'CRC32(NUM_DISK_SECTORS-17179870000.,92)',
    ],
  ])('is refused for a patch of %s', async (_name, from, to) => {
    const files = edlFiles(PARTITIONS)
    const edited = String(files['patch0.xml']).replace(from, to)
    expect(edited).not.toBe(files['patch0.xml'])
    await expect(findTable(recipeOf({ ...files, 'patch0.xml': edited }, 0, 4096))).rejects.toMatchObject({
      code: 'rawprogram-invalid',
      message: expect.stringMatching(/^patch, element \d+ /),
    })
  })

  it('is refused when only half of a place follows the disk', async () => {
    const files = edlFiles(PARTITIONS)
    const half = String(files['patch0.xml']).replace(
      /size_in_bytes="8"( start_sector="2")/g,
      'size_in_bytes="4"$1',
    )
    await expect(findTable(recipeOf({ ...files, 'patch0.xml': half }, 0, 4096))).rejects.toThrow(
      'the end of userdata depends on the size of the disk in a way that no table does',
    )
  })

  it('gives a table, words or one error for any damage of its files', async () => {
    const files = edlFiles(PARTITIONS)
    const name = fc.constantFrom('gpt_main0.bin', 'gpt_backup0.bin', 'patch0.xml')
    const cases = name.chain((which) =>
      damaged(bytes(files[which])).map((content) => [which, content] as const),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ([which, content]) => {
        const result = await outcome(async () => findTable(recipeOf({ ...files, [which]: content }, 0, 4096)))
        if (result instanceof SlotbenchError) expect(result.code).toBe('rawprogram-invalid')
      }),
      { numRuns: 200 },
    )
  })
})

describe('sgdisk', () => {
  /** A table that sgdisk made, cut into the files of a package. */
  function sgdiskTemplate(test: TestContext, diskSectors: number) {
    const sgdisk = requireTool('sgdisk', test)
    const folder = mkdtempSync(join(tmpdir(), 'slotbench-sgdisk-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'disk')
    writeFileSync(path, '')
    truncateSync(path, diskSectors * 512)
    const create = [
      '-n',
      '1:2048:+1M',
      '-c',
      '1:persist',
      '-A',
      '1:set:60',
      '-n',
      '2:0:+512K',
      '-c',
      '2:misc',
      '-n',
      '3:0:0',
      '-c',
      '3:userdata',
    ]
    execFileSync(sgdisk, ['-og', ...create, path], { stdio: 'pipe' })
    return { sgdisk, path, content: readFileSync(path) }
  }

  it('made the template, and finds the grown table without fault', async (test) => {
    const template = sgdiskTemplate(test, 16384)
    const bigger = 60_000
    const entrySectors = 32
    const files = edlFiles(
      [
        { name: 'persist', lun: 0, sectors: 2048 },
        { name: 'misc', lun: 0, sectors: 1024 },
        { name: 'userdata', lun: 0, sectors: 0 },
      ],
      { sectorSize: 512 },
    )
    const own = {
      ...files,
      'gpt_main0.bin': template.content.subarray(0, (2 + entrySectors) * 512),
      'gpt_backup0.bin': template.content.subarray((16384 - entrySectors - 1) * 512),
      // sgdisk's array has 128 entries, so its checksum is over 16 KiB; the last usable sector is as in ptool's.
      'patch0.xml': String(files['patch0.xml']).replace(/,4096\)/g, ',16384)'),
    }
    const { table, notes } = await found(recipeOf(own, 0, 512))
    expect(notes).toEqual([])
    const grown = packageTable(table, bigger)
    const before = await readGpt(async (at, length) => template.content.subarray(at, at + length), 512, 16384)
    const { lastUsable } = gptUsable(512, bigger)
    expect(grown.entries).toEqual(
      before.table.entries.map((entry) =>
        entry.name === 'userdata' ? { ...entry, lastLba: lastUsable } : entry,
      ),
    )
    expect(grown).toMatchObject({
      diskGuid: before.table.diskGuid,
      firstUsable: before.table.firstUsable,
      lastUsable,
    })
    const disk = join(template.path, '..', 'bigger')
    writeFileSync(disk, diskOf(grown))
    expect(execFileSync(template.sgdisk, ['-v', disk]).toString()).toContain('No problems found')
    expect(execFileSync(template.sgdisk, ['-i', '3', disk]).toString()).toContain(
      `Last sector: ${lastUsable} `,
    )
  })
})

function diskOf(table: GptTable): Buffer {
  const disk = Buffer.alloc(table.diskSectors * table.sectorSize)
  const { protectiveMbr, primary, backup } = encodeGpt(table)
  disk.set(protectiveMbr)
  disk.set(primary.bytes, primary.lba * table.sectorSize)
  disk.set(backup.bytes, backup.lba * table.sectorSize)
  return disk
}
