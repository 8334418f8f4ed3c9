// EDL packages opened, read and proven: what they say of themselves, images put together of pieces, and variants.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SuperBuilder } from '../src/main/core/formats/super-builder.ts'
import { encodeSuperTables } from '../src/main/core/formats/super-writer.ts'
import { openRom } from '../src/main/core/rom/open.ts'
import { packageTable } from '../src/main/core/rom/package-table.ts'
import { describeCoverage, slotCoverage } from '../src/main/core/rom/slot-coverage.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import { openFolder } from '../src/main/io/files/open-folder.ts'
import { EXIT } from '../src/shared/error-catalogue.ts'
import { romInfoSchema } from '../src/shared/rom.ts'
import {
  edlFiles,
  edlZip,
  expectedTable,
  image,
  PARTITIONS,
  type PackageFiles,
  patch,
  program,
  putFolder,
  rawprogramXml,
} from './edl-package.ts'
import { expand, NEVER } from './images.ts'
import { RomWorkplace } from './rom-workplace.ts'
import { requireTool } from './tools.ts'

const SECTOR = 4096
const XBL = image(5, 'xbl ')
const BOOT = image(3, 'boot of this package ')

let place: RomWorkplace
const FILES = edlFiles(PARTITIONS)

beforeAll(async () => {
  place = await RomWorkplace.open()
})
afterAll(() => place.close())

const put = (files: PackageFiles, prefix = '') =>
  putFolder(
    place.path(''),
    Object.fromEntries(Object.entries(files).map(([name, content]) => [prefix + name, content])),
  )

const openAs = (path: string, flavour: string | undefined) =>
  openRom(path, { openFile, openFolder, workshop: place.workshop, flavour }, NEVER)

async function infoOf(path: string) {
  const rom = await place.open(path)
  await rom.close()
  return rom.info
}

/** One image of a package, expanded. */
async function read(path: string, name: string, slot?: 'a' | 'b') {
  const rom = await place.open(path)
  try {
    return Buffer.from(await expand(rom.image({ name, slot })))
  } finally {
    await rom.close()
  }
}

describe('an EDL package', () => {
  it.each([
    ['folder', () => put(FILES), 'edl-folder'],
    ['folder in a folder', () => put(FILES, 'NX679J_EDL/'), 'edl-folder'],
    ['zip', async () => place.put(await edlZip(FILES)), 'edl-zip'],
    ['deflated zip', async () => place.put(await edlZip(FILES, true)), 'edl-zip'],
    [
      'folder in a zip',
      async () =>
        place.put(
          await edlZip(
            Object.fromEntries(
              Object.entries(FILES).map(([name, content]) => [`NX679J_EDL/images/${name}`, content]),
            ),
          ),
        ),
      'edl-zip',
    ],
  ])('is read whole: %s', async (label, make, kind) => {
    const path = await make()
    const { info } = await place.prove(path)
    const nested = label.includes('in a')
    expect(info).toMatchObject({ kind, path, full: true, notes: [], models: nested ? ['NX679J'] : [] })
    expect(
      info.images.map(({ name, slot, slotted, placement, size }) => ({
        name,
        slot,
        slotted,
        placement,
        size,
      })),
    ).toEqual([
      { name: 'persist', slot: undefined, slotted: 'no', placement: 'physical', size: 4 * SECTOR },
      { name: 'xbl', slot: 'a', slotted: 'yes', placement: 'physical', size: XBL.length },
      { name: 'xbl', slot: 'b', slotted: 'yes', placement: 'physical', size: XBL.length },
      { name: 'boot', slot: 'a', slotted: 'yes', placement: 'physical', size: BOOT.length },
    ])
    expect(info.images.at(-1)?.sha256).toBe(createHash('sha256').update(BOOT).digest('hex'))
    expect(info.edl).toMatchObject({ flavours: [], sectorSize: SECTOR, luns: [0, 1, 2, 4], skipped: [] })
    expect(info.edl?.loaders).toEqual([
      {
        name: expect.stringMatching(/prog_firehose_ddr.elf$/),
        size: 15,
        sha256: createHash('sha256').update('\x7fELF programmer').digest('hex'),
      },
    ])
    expect(info.edl?.programs.find(({ label: of }) => of === 'boot_a')).toEqual({
      label: 'boot_a',
      file: expect.stringMatching(/boot.img$/),
      lun: 4,
      start: '6',
      sectors: 8,
    })
    expect(await read(path, 'boot', 'a')).toEqual(BOOT)
    expect(romInfoSchema.parse(JSON.parse(JSON.stringify(info)))).toEqual(JSON.parse(JSON.stringify(info)))
    for (const lun of [0, 1, 2, 4]) {
      const table = info.tables?.find((one) => one.lun === lun)
      if (table === undefined) throw new Error(`no table for LUN ${lun}`)
      for (const diskSectors of [1000, 123_456_789])
        expect(packageTable(table, diskSectors)).toEqual(
          expectedTable(PARTITIONS, lun, { diskSectors, sectorSize: SECTOR }),
        )
    }
  })

  it('gives its programmers', async () => {
    const rom = await place.open(put(FILES))
    try {
      const loader = await rom.loader?.('prog_firehose_ddr.elf')
      expect(Buffer.from((await loader?.read(0, 15)) ?? []).toString()).toBe('\x7fELF programmer')
      await loader?.close()
      await expect(rom.loader?.('boot.img')).rejects.toMatchObject({ code: 'package-incomplete' })
    } finally {
      await rom.close()
    }
  })

  it('is another one when a byte of its XML or another file changes', async () => {
    const prints = [
      FILES,
      { ...FILES, 'patch0.xml': `${FILES['patch0.xml']} ` },
      { ...FILES, 'boot.img': image(3, 'other') },
    ]
    const seen = await Promise.all(prints.map(async (files) => (await infoOf(put(files))).fingerprint))
    expect(new Set(seen).size).toBe(3)
    expect((await infoOf(put(FILES))).fingerprint).toBe(seen[0])
  })

  it('finds files whose names differ in case, and those above a folder of XML files', async () => {
    const { 'boot.img': boot, ...rest } = FILES
    expect(await read(put({ ...rest, 'BOOT.IMG': boot ?? '' }), 'boot', 'a')).toEqual(BOOT)
  })

  it('names all missing files at once', async () => {
    const { 'boot.img': _boot, 'gpt_main4.bin': _gpt, 'xbl.elf': _xbl, ...rest } = FILES
    const error = await place.refusal(put(rest))
    expect(error).toMatchObject({ code: 'package-incomplete' })
    expect(error.message).toBe('the package lacks xbl.elf, boot.img, gpt_main4.bin')
  })

  it('stays a fastboot set where android-info.txt says so', async () => {
    const files = { ...FILES, 'android-info.txt': 'require product=NX679J\n' }
    expect((await infoOf(put(files))).kind).toBe('fastboot-folder')
  })

  it('is refused for a link that leads out of a folder in it', async () => {
    const folder = put(FILES, 'in/')
    symlinkSync('/etc/passwd', join(folder, 'in', 'other.img'))
    expect((await place.refusal(folder)).code).toBe('package-unsafe')
  })

  it('tells what it does not do, and which files it does not use', async () => {
    const range =
      'SECTOR_SIZE_IN_BYTES="4096" num_partition_sectors="4" physical_partition_number="0" start_sector="10"'
    const files = {
      ...FILES,
      'rawprogram5.xml': `<data><erase ${range}/><erase ${range}/></data>`,
      'rawprogram0_BLANK_GPT.xml': '<data/>',
    }
    const { edl, notes } = await infoOf(put(files))
    expect(edl?.skipped).toEqual(
      Array.from({ length: 2 }, () => ({ kind: 'erase', lun: 0, start: '10', sectors: 4 })),
    )
    expect(notes).toEqual([
      'rawprogram0_BLANK_GPT.xml lies in the package and is not used.',
      'The package also asks for 2 times “erase” (LUN 0), which Slotbench does not do.',
    ])
  })

  it('is for the models that its folder, programmer or build name, and says which', async () => {
    const files = edlFiles(PARTITIONS, { loader: 'prog_firehose_NX741J.elf' })
    const { edl, models } = await infoOf(put(files, 'NX789J_V1.06_EDL/'))
    expect(models).toEqual(['NX789J', 'NX741J'])
    expect(edl?.names).toEqual([
      { value: 'NX789J', source: 'name of a folder in it' },
      { value: 'NX741J', source: 'name of its programmer' },
    ])
  })
})

describe('images in pieces', () => {
  const superPartition = { name: 'super', lun: 0, sectors: 64 }
  const partitions = [superPartition, { name: 'userdata', lun: 0, sectors: 0 }]
  const base = edlFiles(partitions)
  const withPrograms = (...lines: string[]) => {
    const tables = String(base['rawprogram0.xml'])
      .split('\n')
      .filter((line) => /GPT/.test(line))
    return rawprogramXml([...lines, ...tables])
  }
  const [one, two, three] = [randomBytes(2 * SECTOR), randomBytes(3 * SECTOR), randomBytes(100)]

  it('are one image with holes between, whatever their order', async () => {
    const raw = withPrograms(
      program({ label: 'vendor', start: 6 + 40, sectors: 1, file: 'p_3.img' }),
      program({ label: 'vendor', start: 6 + 10, sectors: 3, file: 'p_2.img' }),
      program({ label: 'vendor', start: 6, sectors: 2, file: 'p_1.img' }),
    )
    const path = put({
      ...base,
      'rawprogram_unsparse0.xml': raw,
      'p_1.img': one,
      'p_2.img': two,
      'p_3.img': three,
    })
    const expected = Buffer.alloc(40 * SECTOR + 100)
    expected.set(one)
    expected.set(two, 10 * SECTOR)
    expected.set(three, 40 * SECTOR)
    expect(await read(path, 'vendor')).toEqual(expected)
    const rom = await place.open(path)
    const kinds: string[] = []
    for await (const extent of rom.image({ name: 'vendor' }).extents({ signal: NEVER, from: 5 * SECTOR }))
      kinds.push(`${extent.kind} ${extent.offset / SECTOR}`)
    await rom.close()
    expect(kinds).toEqual(['hole 5', 'data 10', 'hole 13', 'data 40'])
    expect(rom.info.notes).toContain('rawprogram0.xml is not used: its unsparsed version says the same.')
  })

  it('begin where the package’s own table says, not where the first piece does', async () => {
    const files = edlFiles([{ name: 'vendor', lun: 0, sectors: 64 }])
    const raw = withPrograms(program({ label: 'vendor', start: 6 + 4, sectors: 2, file: 'p_1.img' }))
    const path = put({ ...files, 'rawprogram0.xml': raw, 'p_1.img': one })
    expect(await read(path, 'vendor')).toEqual(Buffer.concat([Buffer.alloc(4 * SECTOR), one]))
  })

  it('may be parts of one file', async () => {
    const whole = randomBytes(5 * SECTOR - 7)
    const raw = withPrograms(
      program({ label: 'dsp', start: 6, sectors: 2, file: 'all.bin' }),
      program({ label: 'bluetooth', start: 30, sectors: 3, file: 'all.bin', offset: 2 }),
    )
    const path = put({ ...base, 'rawprogram0.xml': raw, 'all.bin': whole })
    expect(await read(path, 'dsp')).toEqual(whole.subarray(0, 2 * SECTOR))
    expect(await read(path, 'bluetooth')).toEqual(whole.subarray(2 * SECTOR))
  })

  it('may be Android sparse images, which img2simg made', async (test) => {
    const img2simg = requireTool('img2simg', test)
    const whole = Buffer.concat([image(4, 'system'), Buffer.alloc(20 * SECTOR), image(2, 'end')])
    const raw = place.put(whole)
    const sparse = place.path('.simg')
    execFileSync(img2simg, [raw, sparse])
    const files = (isSparse: boolean) => ({
      ...base,
      'rawprogram0.xml': withPrograms(
        program({ label: 'system', start: 6, sectors: 40, file: 'system.img', sparse: isSparse }),
      ),
      'system.img': readFileSync(sparse),
    })
    expect(await read(put(files(true)), 'system')).toEqual(whole)
    const { notes } = await infoOf(put(files(false)))
    expect(notes).toEqual([expect.stringContaining('system.img is a sparse image, though')])
  })

  it('of super become its logical partitions', async () => {
    const builder = SuperBuilder.create({
      size: 64 * SECTOR,
      metadataSlots: 2,
      metadataMaxSize: 4096,
      alignment: 4096,
      virtualAb: true,
    })
    builder.addGroup('main_a', 30 * SECTOR).addGroup('main_b', 30 * SECTOR)
    builder
      .addPartition('system_a', 'main_a')
      .addPartition('vendor_a', 'main_a')
      .addPartition('system_b', 'main_b')
    builder.resize('system_a', 5 * SECTOR).resize('vendor_a', 2 * SECTOR)
    const whole = Buffer.alloc(64 * SECTOR)
    whole.set(encodeSuperTables(builder.geometry, builder.build()))
    const first = (name: string) => (builder.find(name)?.extents[0]?.sourceSector ?? 0) * 512
    whole.set(image(5, 'system'), first('system_a'))
    whole.set(image(2, 'vendor'), first('vendor_a'))
    const end = first('vendor_a') / SECTOR + 2
    const cut = first('system_a') / SECTOR
    const raw = withPrograms(
      program({ label: 'super', start: 6, sectors: cut, file: 'super_1.img' }),
      program({ label: 'super', start: 6 + cut, sectors: end - cut, file: 'super_2.img' }),
    )
    const path = put({
      ...base,
      'rawprogram_unsparse0.xml': raw,
      'super_1.img': whole.subarray(0, cut * SECTOR),
      'super_2.img': whole.subarray(cut * SECTOR, end * SECTOR),
    })
    const info = await infoOf(path)
    expect(info).toMatchObject({
      virtualAb: true,
      dynamicGroups: [{ name: 'main', size: 30 * SECTOR, partitions: ['system', 'vendor'] }],
      images: [
        { name: 'system', placement: 'logical', slotted: 'yes', size: 5 * SECTOR },
        { name: 'vendor', placement: 'logical', slotted: 'yes', size: 2 * SECTOR },
      ],
    })
    expect(await read(path, 'vendor')).toEqual(image(2, 'vendor'))
    expect((await infoOf(path)).images.some(({ name }) => name === 'super')).toBe(false)
  })

  it('get the patches for their files, and no others', async () => {
    const content = image(3, 'x')
    const raw = withPrograms(program({ label: 'cdt', start: 6, sectors: 3, file: 'cdt.bin' }))
    const patches = String(base['patch0.xml']).replace(
      '</patches>',
      [
        patch({ start: 1, offset: 8, size: 8, value: '0x1122334455667788', file: 'cdt.bin' }).replace(
          '0x1122334455667788',
          '0x12345678',
        ),
        patch({ start: 2, offset: 4, size: 4, value: 'CRC32(1,4096)', file: 'cdt.bin' }),
        patch({ start: 1, offset: 8, size: 8, value: '7', file: 'elsewhere.bin' }),
        '</patches>',
      ].join('\n'),
    )
    const path = put({ ...base, 'rawprogram0.xml': raw, 'patch0.xml': patches, 'cdt.bin': content })
    const expected = Buffer.from(content)
    expected.writeBigUInt64LE(0x12345678n, SECTOR + 8)
    const { crc32 } = await import('node:zlib')
    expected.writeUInt32LE(crc32(expected.subarray(SECTOR, 2 * SECTOR)), 2 * SECTOR + 4)
    expect(await read(path, 'cdt')).toEqual(expected)
    await place.prove(path)
  })
})

describe('slots', () => {
  const boot = (slots: Readonly<Record<string, string>>) =>
    edlFiles(
      Object.entries(slots).map(([slot, text]) => ({
        name: `boot_${slot}`,
        lun: 4,
        sectors: 4,
        file: `boot_${slot}.img`,
        content: image(2, text),
      })),
    )
  const words = async (files: PackageFiles, verified: boolean) => {
    const path = put(files)
    return describeCoverage(slotCoverage(verified ? (await place.prove(path)).info : await infoOf(path)))
  }

  it('are told, and compared when the package is verified', async () => {
    expect(await words(boot({ a: 'x' }), true)).toBe('the package holds slot a only')
    expect(await words(boot({ b: 'x' }), true)).toBe('the package holds slot b only')
    expect(await words(boot({ a: 'x', b: 'x' }), false)).toBe(
      'the package holds both slots, not compared before the package is verified',
    )
    expect(await words(boot({ a: 'x', b: 'x' }), true)).toBe(
      'the package holds both slots, with the same content',
    )
    expect(await words(boot({ a: 'x', b: 'y' }), true)).toBe(
      'the package holds both slots, which differ in boot',
    )
    expect(await words(FILES, true)).toBe(
      'the package holds the slots in part (for slot a only: boot; for both slots: 1, with the same content)',
    )
    expect(slotCoverage({ images: [] }).holds).toBe('neutral')
  })
})

describe('variants', () => {
  const EMMC = Buffer.alloc(2048, 'emmc')
  const ufs = edlFiles([{ name: 'boot_a', lun: 0, sectors: 4, file: 'boot.img', content: image(1, 'ufs') }])
  const emmc = edlFiles([{ name: 'boot_a', lun: 0, sectors: 4, file: 'boot.img', content: EMMC }], {
    sectorSize: 512,
  })
  const inFolders = { ...prefixed(ufs, 'ufs/'), ...prefixed(emmc, 'emmc/') }
  const contents = `<contents><product_info><product_name>NX741J meta</product_name></product_info><builds_flat><build><linux_root_path>./</linux_root_path>${[
    'ufs',
    'emmc',
  ]
    .map(
      (storage) =>
        `<device_programmer storage_type="${storage}"><file_name>prog_firehose_ddr.elf</file_name><file_path>${storage}</file_path></device_programmer>
         <partition_file storage_type="${storage}"><file_name>rawprogram0.xml</file_name><file_path flavor="asic">${storage}/</file_path></partition_file>
         <partition_patch_file storage_type="${storage}"><file_name>patch0.xml</file_name><file_path>${storage}</file_path></partition_patch_file>
         <download_file storage_type="${storage}"><file_name>boot.img</file_name><file_path>binaries/${storage}</file_path></download_file>`,
    )
    .join('')}</build></builds_flat></contents>`
  const { 'ufs/boot.img': _u, 'emmc/boot.img': _e, ...withoutBoot } = inFolders
  const described = {
    ...withoutBoot,
    'contents.xml': contents,
    'binaries/ufs/boot.img': image(1, 'ufs'),
    'binaries/emmc/boot.img': EMMC,
  }

  it.each([
    ['folders', inFolders, 'emmc, ufs', 'ufs', undefined],
    ['contents.xml', described, 'ufs/asic, emmc/asic', 'ufs/asic', 'ufs'],
  ])('of %s must be chosen, and all are named', async (_name, files, names, chosen, memory) => {
    const path = put(files)
    const error = await place.refusal(path)
    expect(error).toMatchObject({ code: 'package-variant', exitCode: EXIT.package })
    expect(error.message).toBe(`the package holds 2 variants: ${names}`)
    await expect(openAs(path, 'nand')).rejects.toThrow(`it holds: ${names}`)
    const rom = await openAs(path, 'ufs')
    expect(rom.info.edl).toMatchObject({
      flavour: chosen,
      flavours: names.split(', '),
      sectorSize: 4096,
      luns: [0],
    })
    expect(rom.info.edl?.memory).toBe(memory)
    expect(Buffer.from(await expand(rom.image({ name: 'boot', slot: 'a' })))).toEqual(image(1, 'ufs'))
    await rom.close()
  })

  it('of contents.xml give their programmers, files and names', async () => {
    const rom = await openAs(put(described), 'emmc')
    await rom.close()
    expect(rom.info.edl?.sectorSize).toBe(512)
    expect(rom.info.edl?.loaders.map(({ name }) => name)).toEqual([
      'emmc/prog_firehose_ddr.elf',
      'ufs/prog_firehose_ddr.elf',
    ])
    expect(rom.info.models).toEqual(['NX741J'])
  })

  it('of flashmap.json are read like qdl does', async () => {
    const layout = (memory: string) => ({
      memory,
      slot: 0,
      files: [`${memory}/rawprogram0.xml`, `${memory}/patch0.xml`],
    })
    const flashmap = {
      version: '1.1.0',
      products: [
        {
          name: 'NX789J',
          layouts: [{ name: 'x', programmer: ['ufs/prog_firehose_ddr.elf'], programmable: [layout('ufs')] }],
        },
      ],
    }
    const info = await infoOf(put({ ...inFolders, 'flashmap.json': JSON.stringify(flashmap) }))
    expect(info.edl).toMatchObject({ memory: 'ufs', flavours: [], sectorSize: 4096 })
    expect(info.models).toEqual(['NX789J'])
  })
})

function prefixed(files: PackageFiles, prefix: string): PackageFiles {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [prefix + name, content]))
}
