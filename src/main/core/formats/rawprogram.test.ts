// rawprogram, patch, contents.xml and flashmap.json: qdl's own files parse as they are, everything that lies is refused by name.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type PatchText,
  type ProgramText,
  patch,
  patchXml,
  program,
  rawprogramXml,
} from '../../../../test/edl-package.ts'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { parseContents } from './contents-xml.ts'
import { parseFlashmap } from './flashmap.ts'
import { parsePatchProgram } from './patch-program.ts'
import { parseRawprogram } from './rawprogram.ts'
import { parseXml } from './xml-elements.ts'

const file = (name: string) => readFileSync(fixture(`edl/${name}`))
const bytes = (text: string) => new TextEncoder().encode(text)
const CONTENTS = `<?xml version="1.0"?><contents>
  <product_info><product_name>NX789J.LA.1.0</product_name></product_info>
  <product_flavors><pf><name>asic</name></pf><pf><name>rumi</name></pf></product_flavors>
  <builds_flat><build><name>common</name><linux_root_path>./</linux_root_path><windows_root_path>.\\</windows_root_path>
    <device_programmer storage_type="ufs"><file_name>prog.elf</file_name><file_path>boot/</file_path></device_programmer>
    <device_programmer storage_type="ufs" firehose_type="lite"><file_name>lite.elf</file_name><file_path>boot/</file_path></device_programmer>
    <partition_file storage_type="ufs"><file_name>rawprogram0.xml</file_name><file_name>rawprogram1.xml</file_name>
      <file_path flavor="asic">ufs/\${variant:raw}/</file_path></partition_file>
    <partition_patch_file storage_type="ufs"><file_name>patch0.xml</file_name><file_path>ufs</file_path></partition_patch_file>
    <download_file ignore="true"><file_name>no.bin</file_name><file_path>x</file_path></download_file>
    <download_file><file_name>*.bin</file_name><file_path>x</file_path></download_file>
    <file_ref firehose_type="true"><file_name>map.xml</file_name><file_path>common</file_path></file_ref>
  </build></builds_flat></contents>`

describe('rawprogram', () => {
  it('of qdl parses as it is', () => {
    const { entries, notes } = parseRawprogram(file('rawprogram1.xml'), 'rawprogram1.xml')
    expect(entries).toHaveLength(7)
    expect(entries[0]).toEqual({
      kind: 'program',
      place: 'rawprogram1.xml, element 1 (program xbl_a)',
      lun: 1,
      sectorSize: 4096,
      start: { text: '6', fromDisk: 0, plus: 6 },
      sectors: 901,
      label: 'xbl_a',
      file: 'xbl.elf',
      fileSectorOffset: 0,
      sparse: false,
      partOfSingleImage: false,
      readBackVerify: false,
    })
    expect(entries[2]).toMatchObject({ label: 'xbl_b', file: undefined })
    expect(entries[6]).toMatchObject({
      label: 'BackupGPT',
      start: { text: 'NUM_DISK_SECTORS-5.', fromDisk: 1, plus: -5 },
      partOfSingleImage: true,
    })
    expect(notes).toEqual([])
    expect(parseRawprogram(file('rawprogram0.xml'), 'rawprogram0.xml').entries).toHaveLength(4)
  })

  it('knows erase, zeroout and read', () => {
    const range =
      'SECTOR_SIZE_IN_BYTES="512" num_partition_sectors="8" physical_partition_number="2" start_sector="64"'
    const xml = `<data><erase ${range}/><zeroout ${range}/><read ${range} filename="back.bin"/></data>`
    const { entries } = parseRawprogram(bytes(xml), 'r.xml')
    expect(entries.map(({ kind, lun, sectors }) => [kind, lun, sectors])).toEqual([
      ['erase', 2, 8],
      ['zeroout', 2, 8],
      ['read', 2, 8],
    ])
    expect(entries[2]).toMatchObject({ file: 'back.bin' })
  })

  it('tells what is contradicted beside the sectors', () => {
    const entry = program({ label: 'efi', start: 6, sectors: 8, file: '', more: 'start_byte_hex="0x7000"' })
    const xml = rawprogramXml([entry.replace(/size_in_KB="\d+"/, 'size_in_KB="64.0"')])
    expect(parseRawprogram(bytes(xml), 'r.xml').notes).toEqual([
      'r.xml, element 1 (program efi): size_in_KB says 64.0, its 8 sectors are 32 KB.',
      'r.xml, element 1 (program efi): start_byte_hex says 0x7000, start_sector 6.',
    ])
  })

  const good: ProgramText = { label: 'efi', start: 6, sectors: 8, file: 'efi.bin' }
  it.each<[string, Partial<ProgramText> | string, string]>([
    ['parent folder', { file: '../efi.bin' }, 'leads elsewhere'],
    ['deep parent folder', { file: 'a/../../efi.bin' }, 'leads elsewhere'],
    ['absolute', { file: '/etc/passwd' }, 'is absolute'],
    ['backslash', { file: 'a\\efi.bin' }, 'has a backslash'],
    ['drive letter', { file: 'C:efi.bin' }, 'has a drive letter'],
    ['control character', { file: 'efi&#7;.bin' }, 'not plain text'],
    ['no such LUN', { lun: 99 }, 'there is no LUN 99'],
    ['odd sector size', { sectorSize: 1000 }, 'sectors of 1000 bytes'],
    ['NAND', { more: 'PAGES_PER_BLOCK="64"' }, 'NAND'],
    ['NAND last sector', { more: 'last_sector="64"' }, 'NAND'],
    ['start of words', { start: 'somewhere' }, 'start_sector'],
    ['start behind any disk', { start: 'NUM_DISK_SECTORS' }, 'lie on no disk'],
    ['start before any disk', { start: '1-5' }, 'lie on no disk'],
    ['end behind any disk', { start: 'NUM_DISK_SECTORS-5.', sectors: 6 }, 'lie on no disk'],
    ['two disks', { start: 'NUM_DISK_SECTORS*2' }, 'lie on no disk'],
    ['2^53 sectors', { start: 9007199254740991 }, 'lie on no disk'],
    ['negative sectors', { sectors: -1 }, 'num_partition_sectors'],
    ['other element', '<data><format start_sector="1"/></data>', 'no element of that name'],
    [
      'erase of everything',
      '<data><erase SECTOR_SIZE_IN_BYTES="512" num_partition_sectors="0" physical_partition_number="0" start_sector="0"/></data>',
      'clear the whole LUN',
    ],
    ['missing attribute', '<data><program filename="a"/></data>', 'it has no num_partition_sectors'],
    ['other root', '<patches/>', 'root element is patches'],
    ['two roots', '<data/><data/>', '2 root elements'],
    ['no XML', 'hello', 'r.xml'],
    ['cut short', '<data><program ', 'r.xml'],
    ['attribute twice', '<data><program a="1" a="2"/></data>', 'repeated'],
    ['own entities', '<!DOCTYPE data [<!ENTITY a "b">]><data>&a;</data>', 'document type'],
    ['unknown entity', '<data><program label="&lol;"/></data>', 'entity &lol;'],
    ['nested', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`, 'nested'],
    ['prototype', '<data><program __proto__="x"/></data>', '__proto__'],
    ['no text', '\xff\xfe', 'r.xml'],
  ])('is refused: %s', (_name, change, words) => {
    const xml = typeof change === 'string' ? change : rawprogramXml([program({ ...good, ...change })])
    const content = xml.startsWith('\xff') ? Uint8Array.of(0xff, 0xfe, 0x3c) : bytes(xml)
    let thrown: unknown
    try {
      parseRawprogram(content, 'r.xml')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(SlotbenchError)
    expect(thrown).toMatchObject({ code: 'rawprogram-invalid' })
    expect(String(thrown)).toContain(words)
    expect(String(thrown)).toContain('r.xml')
  })

  it('is refused when it is larger than any', () => {
    const big = bytes(`<data>${' '.repeat(1024 * 1024)}</data>`)
    expect(() => parseRawprogram(big, 'r.xml')).toThrow(/bytes long/)
    const many = bytes(`<data>${'<a/>'.repeat(60_000)}</data>`)
    expect(() => parseRawprogram(many, 'r.xml')).toThrow(/more than 50000 elements/)
  })
})

describe('patches', () => {
  it('of qdl parse as they are', () => {
    const { entries } = parsePatchProgram(file('patch1.xml'), 'patch1.xml')
    expect(entries).toHaveLength(26)
    expect(entries[0]).toMatchObject({
      file: 'gpt_main1.bin',
      lun: 1,
      start: { fromDisk: 0, plus: 2 },
      byteOffset: 552,
      size: 8,
      value: { kind: 'number', value: { fromDisk: 1, plus: -6 } },
    })
    expect(entries.at(-1)).toMatchObject({
      file: undefined,
      start: { fromDisk: 1, plus: -1 },
      value: { kind: 'crc32', start: { fromDisk: 1, plus: -1 }, length: 92 },
    })
    expect(entries.filter((entry) => entry.file === undefined)).toHaveLength(13)
  })

  const good: PatchText = { start: 1, offset: 16, size: 4, value: 0 }
  it.each<[string, Partial<PatchText>, string]>([
    ['16 bytes', { size: 16 }, 'a value of 16 bytes'],
    ['beyond its sector', { offset: 4095 }, 'beyond its sector'],
    ['no value', { value: '' }, 'it has no value'],
    ['words', { value: 'CRC64(1,2)' }, 'value'],
    ['checksum of nothing', { value: 'CRC32(1,0)' }, 'no checksum of anything'],
    ['checksum of 2 GiB', { value: 'CRC32(1,2147483648)' }, 'no checksum of anything'],
    ['no file', { file: '' }, 'it has no filename'],
    ['file elsewhere', { file: '../x' }, 'leads elsewhere'],
    ['behind any disk', { start: 'NUM_DISK_SECTORS-0.' }, 'lie on no disk'],
  ])('are refused: %s', (_name, change, words) => {
    const xml = bytes(patchXml([patch({ ...good, ...change })]))
    expect(() => parsePatchProgram(xml, 'p.xml')).toThrow(words)
    expect(() => parsePatchProgram(xml, 'p.xml')).toThrow('p.xml, element 1')
  })
})

describe('contents.xml', () => {
  it('tells files by storage and flavour', () => {
    const contents = parseContents(bytes(CONTENTS), 'contents.xml')
    expect(contents.names).toEqual(['NX789J.LA.1.0'])
    expect(contents.flavours).toEqual(['asic', 'rumi'])
    expect(contents.files).toEqual([
      { kind: 'programmer', storage: 'ufs', flavour: undefined, path: 'boot/prog.elf' },
      { kind: 'program', storage: 'ufs', flavour: 'asic', path: 'ufs/raw/rawprogram0.xml' },
      { kind: 'program', storage: 'ufs', flavour: 'asic', path: 'ufs/raw/rawprogram1.xml' },
      { kind: 'patch', storage: 'ufs', flavour: undefined, path: 'ufs/patch0.xml' },
      { kind: 'map', storage: undefined, flavour: undefined, path: 'common/map.xml' },
    ])
  })

  it.each(['../x', '/x', 'C:/x', 'a\\b'])('is refused for the root path %s', (path) => {
    const xml = CONTENTS.replace('<linux_root_path>./', `<linux_root_path>${path}`)
    expect(() => parseContents(bytes(xml), 'contents.xml')).toThrow(SlotbenchError)
  })
})

describe('flashmap.json', () => {
  it('of qdl parses as it is', () => {
    expect(parseFlashmap(file('flashmap.json'), 'flashmap.json')).toEqual([
      {
        product: 'unit-test',
        name: 'layout0',
        programmers: ['prog_firehose_ddr.elf'],
        memory: 'spinor',
        files: ['rawprogram0.xml', 'rawprogram1.xml', 'patch0.xml', 'patch1.xml'],
      },
    ])
  })

  it.each([
    ['not JSON', '{'],
    ['another version', '{"version":"2.0.0","products":[]}'],
    ['a path that leads out', file('flashmap.json').toString().replace('patch0.xml', '../patch0.xml')],
  ])('is refused: %s', (_name, text) => {
    expect(() => parseFlashmap(bytes(text), 'flashmap.json')).toThrow(/flashmap.json/)
  })
})

describe.each([
  ['rawprogram', (content: Uint8Array) => parseRawprogram(content, 'x'), file('rawprogram1.xml')],
  ['patch', (content: Uint8Array) => parsePatchProgram(content, 'x'), file('patch1.xml')],
  ['contents', (content: Uint8Array) => parseContents(content, 'x'), bytes(CONTENTS)],
  ['flashmap', (content: Uint8Array) => parseFlashmap(content, 'x'), file('flashmap.json')],
] as const)('%s', (_name, parse, valid) => {
  it('gives a result or one error for any damage', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(valid), async (content) => {
        const result = await outcome(() => parse(content))
        if (result instanceof SlotbenchError) expect(result.code).toBe('rawprogram-invalid')
      }),
    )
  })

  it('gives a result or one error for any cut and paste', async () => {
    const text = Buffer.from(valid).toString()
    const cut = fc.tuple(
      fc.nat(text.length),
      fc.nat(200),
      fc.nat(text.length),
      fc.constantFrom('', '<', '>', '"', '&', '</', '<!--', '<![CDATA['),
    )
    await fc.assert(
      fc.asyncProperty(cut, async ([from, length, to, extra]) => {
        const edited = text.slice(0, to) + extra + text.slice(from, from + length) + text.slice(to)
        const result = await outcome(() => parse(bytes(edited)))
        if (result instanceof SlotbenchError) expect(result.code).toBe('rawprogram-invalid')
      }),
    )
  })
})

describe('XML made to take long', () => {
  it.each([
    ['open brackets', '<'.repeat(1_000_000)],
    ['open tags', '<a '.repeat(300_000)],
    ['quotes', `<a ${`"'`.repeat(400_000)}`],
    ['comments', `<data>${'<!--'.repeat(250_000)}</data>`],
    ['entities', `<data>${'&'.repeat(1_000_000)}</data>`],
    ['attributes', `<data ${Array.from({ length: 60_000 }, (_, i) => `a${i}="1"`).join(' ')}/>`],
    ['one long name', `<${'a'.repeat(1_000_000)}/>`],
  ])('ends: %s', (_name, text) => {
    try {
      parseXml(bytes(text), 'x')
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(SlotbenchError)
    }
  })
})
