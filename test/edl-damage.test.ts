// EDL packages that are damaged, contradict themselves or were made to do harm: each ends in one error of its own.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../src/shared/error-catalogue.ts'
import { type ErrorCode, SlotbenchError } from '../src/shared/errors.ts'
import { bitFlipped } from '../src/simulator/rom-factory/damage.ts'
import { DEFLATE_DAMAGES, memberRenamed, ZIP_DAMAGES } from '../src/simulator/rom-factory/zip-damage.ts'
import {
  edlFiles,
  edlZip,
  image,
  PARTITIONS,
  type PackageFiles,
  patch,
  patchXml,
  program,
  putFolder,
} from './edl-package.ts'
import { damaged, outcome } from './images.ts'
import { RomWorkplace } from './rom-workplace.ts'

let place: RomWorkplace
const FILES = edlFiles(PARTITIONS)

beforeAll(async () => {
  place = await RomWorkplace.open()
})
afterAll(() => place.close())

const put = (files: PackageFiles) => putFolder(place.path(''), files)

async function infoOf(path: string) {
  const rom = await place.open(path)
  await rom.close()
  return rom.info
}

describe('an EDL package that contradicts itself', () => {
  const line = (label: string) => new RegExp(`<program [^>]*label="${label}"[^>]*/>`)
  const edited = (name: string, from: string | RegExp, to: string): PackageFiles => {
    const text = String(FILES[name])
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`nothing to change in ${name}`)
    return { ...FILES, [name]: changed }
  }
  it.each<[string, () => PackageFiles, string, ErrorCode?]>([
    [
      'file larger than its sectors',
      () => ({ ...FILES, 'boot.img': image(9, 'x') }),
      'rawprogram4.xml, element 1 (program boot_a): boot.img has 36864 bytes',
    ],
    [
      'file that is empty',
      () => ({ ...FILES, 'boot.img': '' }),
      'element 1 (program boot_a): boot.img has 0 bytes',
    ],
    [
      'offset behind the file',
      () =>
        edited(
          'rawprogram4.xml',
          'file_sector_offset="0" filename="boot.img"',
          'file_sector_offset="3" filename="boot.img"',
        ),
      'none of them from sector 3 on',
    ],
    [
      'overlap',
      () =>
        edited(
          'rawprogram4.xml',
          line('boot_b'),
          program({ lun: 4, label: 'boot_b', start: 8, sectors: 4, file: 'boot.img' }),
        ),
      'overlap those of rawprogram4.xml, element 1',
    ],
    [
      'overlap with the table',
      () =>
        edited(
          'rawprogram4.xml',
          line('boot_a'),
          program({ lun: 4, label: 'boot_a', start: 5, sectors: 4, file: 'boot.img' }),
        ),
      'overlap those of rawprogram4.xml, element 3',
    ],
    [
      'two sector sizes',
      () =>
        edited(
          'rawprogram4.xml',
          line('boot_b'),
          program({ lun: 4, sectorSize: 512, label: 'boot_b', start: 999, sectors: 8, file: '' }),
        ),
      'sectors of 512 bytes, where rawprogram0.xml',
    ],
    [
      'sector size of a patch',
      () => edited('patch1.xml', 'SECTOR_SIZE_IN_BYTES="4096"', 'SECTOR_SIZE_IN_BYTES="512"'),
      'patch1.xml, element 1',
    ],
    [
      'label that is no name',
      () => edited('rawprogram4.xml', 'label="boot_a"', 'label="boot a"'),
      'no name of a partition',
    ],
    ['no label', () => edited('rawprogram4.xml', 'label="boot_a"', 'label=""'), 'no name of a partition'],
    [
      'outside its partition',
      () =>
        edited(
          'rawprogram4.xml',
          line('boot_a'),
          program({ lun: 4, label: 'boot_a', start: 12, sectors: 4, file: 'boot.img' }),
        ),
      '36864 bytes for boot_a, which has 32768',
    ],
    [
      'before its partition',
      () => ({
        ...FILES,
        'rawprogram4.xml': String(FILES['rawprogram4.xml'])
          .replace('label="boot_a" num_partition_sectors="8"', 'label="boot_a" num_partition_sectors="3"')
          .replace(
            line('boot_b'),
            program({ lun: 4, label: 'boot_b', start: 9, sectors: 4, file: 'boot.img' }),
          ),
      }),
      'it begins before boot_b does',
    ],
    [
      'one label on two LUNs',
      () => edited('rawprogram2.xml', 'label="xbl_b"', 'label="xbl_a"'),
      'xbl_a is on LUN 1 too',
    ],
    [
      'table larger than its sectors',
      () => ({ ...FILES, 'gpt_main4.bin': image(7, 'x') }),
      'gpt_main4.bin has 28672 bytes',
    ],
    [
      'patch over an image',
      () => ({
        ...FILES,
        'patch4.xml': patchXml([patch({ lun: 4, start: 6, offset: 0, size: 4, value: 1 })]),
      }),
      'it would change boot_a after it is written',
    ],
    [
      'patch of a file by the disk',
      () => ({
        ...FILES,
        'patch5.xml': patchXml([
          patch({ start: 0, offset: 0, size: 4, value: 'NUM_DISK_SECTORS-1.', file: 'boot.img' }),
        ]),
      }),
      'would depend on the size of the disk',
    ],
    [
      'patch behind a file',
      () => ({
        ...FILES,
        'patch5.xml': patchXml([patch({ start: 3, offset: 0, size: 4, value: 1, file: 'boot.img' })]),
      }),
      'does not lie in boot.img',
    ],
    [
      'NAND',
      () => edited('rawprogram4.xml', 'label="boot_a"', 'label="boot_a" PAGES_PER_BLOCK="64"'),
      'NAND',
    ],
    [
      'path that leads out',
      () => edited('rawprogram4.xml', 'filename="boot.img"', 'filename="../boot.img"'),
      'leads elsewhere',
    ],
    [
      'damaged sparse image',
      () => ({
        ...FILES,
        'boot.img': Buffer.concat([Buffer.from('3aff26ed01000000', 'hex'), Buffer.alloc(100)]),
      }),
      'rawprogram4.xml, element 1 (program boot_a): boot.img: headers of 0 and 0 bytes',
      'sparse-invalid',
    ],
    [
      'nothing to program',
      () => ({ 'rawprogram0.xml': '<data/>' }),
      'programs no file',
      'package-incomplete',
    ],
  ])('is refused: %s', async (_name, files, words, code = 'rawprogram-invalid') => {
    const error = await place.refusal(put(files()))
    expect(error.message).toContain(words)
    expect(error).toMatchObject({ code, exitCode: EXIT.package })
  })

  it('is refused when super is no super', async () => {
    const files = edlFiles([
      { name: 'super', lun: 0, sectors: 64, file: 'super.img', content: image(64, 'x') },
    ])
    expect((await place.refusal(put(files))).code).toBe('super-invalid')
  })

  it('leaves patches out that are for nothing, and says so', async () => {
    const files = {
      ...FILES,
      'patch5.xml': patchXml([patch({ lun: 5, start: 1, offset: 0, size: 4, value: 1 })]),
    }
    expect((await infoOf(put(files))).notes).toEqual([
      '1 patches (LUN 5) are for sectors that the package does not write; they are left out.',
    ])
  })
})

describe('a damaged EDL zip', () => {
  it.each(Object.entries(ZIP_DAMAGES))('is refused: %s', async (_name, damage) => {
    const error = await place.refusal(place.put(damage(await edlZip(FILES))))
    expect(error.exitCode).toBe(EXIT.package)
  })

  it.each(Object.entries(DEFLATE_DAMAGES))('is refused when it is deflated: %s', async (_name, damage) => {
    const error = await place.refusal(place.put(damage(await edlZip(FILES, true))))
    expect(error.exitCode).toBe(EXIT.package)
  })

  it.each([
    ['boot.img', '../b.img'],
    ['gpt_main0.bin', 'gpt_main4.bin'],
    ['boot.img', 'C:oo.img'],
  ])('is refused when %s is called %s', async (from, to) => {
    const zip = memberRenamed(from, to)(await edlZip(FILES))
    expect((await place.refusal(place.put(zip))).code).toBe('package-unsafe')
  })

  it('is refused for any bit of its files, also of those that are read before it is verified', async () => {
    const zip = await edlZip(FILES)
    const names = fc.constantFrom(...Object.keys(FILES).filter((name) => name.length > 0))
    const places = fc.tuple(names, fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(7))
    await fc.assert(
      fc.asyncProperty(places, async ([name, where, bit]) => {
        const content = Buffer.from(FILES[name] as Uint8Array)
        const at = zip.indexOf(content) + Math.floor(where * content.length)
        const error = await place.refusal(place.put(bitFlipped(at, bit)(zip)))
        expect(error.exitCode).toBe(EXIT.package)
      }),
      { numRuns: 60 },
    )
  })

  it('never gives other images, whatever bits are turned over anywhere', async () => {
    const zip = await edlZip(FILES)
    const { images, tables } = (await place.prove(place.put(zip))).info
    const flips = fc.array(fc.tuple(fc.nat(zip.length - 1), fc.nat(7)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(flips, async (all) => {
        const content = all.reduce((bytes: Uint8Array, [at, bit]) => bitFlipped(at, bit)(bytes), zip)
        const result = await outcome(() => place.prove(place.put(content)))
        if (result instanceof SlotbenchError) expect(result.exitCode).toBe(EXIT.package)
        else expect([result.info.images, result.info.tables]).toEqual([images, tables])
      }),
      { numRuns: 60 },
    )
  })
})

describe('a damaged EDL folder', () => {
  it('gives a ROM or one error, whatever is in its files', async () => {
    const which = fc.constantFrom(
      'rawprogram0.xml',
      'rawprogram4.xml',
      'patch0.xml',
      'gpt_main0.bin',
      'gpt_backup4.bin',
    )
    const cases = which.chain((name) =>
      damaged(Buffer.from(FILES[name] as Uint8Array)).map((content) => [name, content] as const),
    )
    const folder = put(FILES)
    await fc.assert(
      fc.asyncProperty(cases, async ([name, content]) => {
        writeFileSync(join(folder, name), content)
        try {
          const result = await outcome(() => infoOf(folder))
          if (result instanceof SlotbenchError) expect(result.exitCode).toBe(EXIT.package)
        } finally {
          writeFileSync(join(folder, name), FILES[name] ?? '')
        }
      }),
      { numRuns: 150 },
    )
  })

  it('of more folders than any package has is not walked for ever', async () => {
    const folder = place.path('')
    mkdirSync(join(folder, ...Array.from({ length: 30 }, () => 'd')), { recursive: true })
    putFolder(folder, FILES)
    symlinkSync('..', join(folder, 'd', 'd', 'loop'))
    expect((await infoOf(folder)).images).toHaveLength(4)
  })
})
