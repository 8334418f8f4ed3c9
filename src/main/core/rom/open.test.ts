// Packages of every kind, made of AOSP's own files: what they say of themselves, and what is refused.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { fixture } from '../../../../test/fixtures.ts'
import { expand, NEVER } from '../../../../test/images.ts'
import { openFile } from '../../io/files/open-file.ts'
import { openFolder } from '../../io/files/open-folder.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { SuperBuilder } from '../formats/super-builder.ts'
import { encodeSuperTables } from '../formats/super-writer.ts'
import { openRom } from './open.ts'
import { verifyRom } from './verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-rom-'))
const workshop = createWorkshop({ width: 2 })
let payload: Buffer
let made = 0

beforeAll(() => {
  execFileSync('tar', ['xf', fixture('payload/sample_payloads.tar.xz'), '-C', folder])
  execFileSync('tar', ['xf', fixture('payload/sample_images.tar.bz2'), '-C', folder])
  payload = readFileSync(join(folder, 'full_payload.bin'))
})
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

const open = (path: string) => openRom(path, { openFile, openFolder, workshop }, NEVER)
const sha = (data: Uint8Array) => createHash('sha256').update(data).digest()
const BOOT = readFileSync(fixture('bootimg/boot.img'))

type Members = Readonly<Record<string, Uint8Array | string>>

async function zipBytes(members: Members, deflated: readonly string[] = []): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [name, data] of Object.entries(members))
    zip.addBuffer(Buffer.from(data), name, { compress: deflated.includes(name) })
  zip.end()
  return buffer(zip.outputStream as unknown as AsyncIterable<Buffer>)
}

/** Writes a package under a name that says nothing about it. */
function put(content: Uint8Array): string {
  const path = join(folder, `package ${made++}`)
  writeFileSync(path, content)
  return path
}

function putFolder(files: Members): string {
  const path = join(folder, `set ${made++}`)
  mkdirSync(path)
  for (const [name, data] of Object.entries(files)) writeFileSync(join(path, name), data)
  return path
}

const METADATA =
  'ota-type=AB\npost-build=nubia/NX679J:14\npost-timestamp=1790000000\npost-security-patch-level=2026-10-01\n' +
  'pre-device=NX679J|NX679S\nota-downgrade=yes\n'
const manifestEnd = 24 + 257
const properties = (change: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    FILE_HASH: sha(payload).toString('base64'),
    FILE_SIZE: String(payload.length),
    METADATA_HASH: sha(payload.subarray(0, manifestEnd)).toString('base64'),
    METADATA_SIZE: String(manifestEnd),
    ...change,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
const ota = (change: Members = {}): Members => ({
  'META-INF/com/android/metadata': METADATA,
  'payload.bin': payload,
  'payload_properties.txt': properties(),
  ...change,
})

describe('OTA packages', () => {
  it.each([
    ['stored', []],
    ['deflated', ['payload.bin']],
  ])('with a %s payload.bin are verified and expand byte for byte', async (_, deflated) => {
    const rom = await open(put(await zipBytes(ota(), deflated)))
    expect(rom.info).toMatchObject({
      kind: 'ota-zip',
      models: ['NX679J', 'NX679S'],
      build: 'nubia/NX679J:14',
      timestamp: 1790000000,
      securityPatch: '2026-10-01',
      downgrade: true,
      full: true,
    })
    expect(rom.info.notes).toHaveLength(deflated.length)
    let last = { done: 0, total: 1 }
    const verified = await verifyRom(rom, {
      signal: NEVER,
      workshop,
      onProgress: (progress) => {
        last = progress
      },
    })
    expect(last.done).toBe(last.total)
    const original = readFileSync(join(folder, 'disk_sqfs_default.img'))
    const root = verified.image({ name: 'root' })
    expect(Buffer.compare(await expand(root), original)).toBe(0)
    expect(root.sha256).toBe(sha(original).toString('hex'))
    await rom.close()
  })

  it('are the same package wherever they lie, and another when a byte of the manifest is', async () => {
    const bytes = await zipBytes(ota())
    const fingerprints = await Promise.all(
      [put(bytes), put(bytes), put(payload)].map(async (path) => {
        const rom = await open(path)
        await rom.close()
        return rom.info.fingerprint
      }),
    )
    expect(fingerprints[0]).toBe(fingerprints[1])
    expect(fingerprints[2]).not.toBe(fingerprints[0])
  })

  it.each([
    ['METADATA_HASH', sha(Buffer.from('x')).toString('base64'), 'digest-mismatch'],
    ['METADATA_SIZE', '280', 'payload-invalid'],
    ['FILE_SIZE', '99999', 'source-truncated'],
  ])('whose %s is another are refused at once', async (key, value, code) => {
    const path = put(await zipBytes(ota({ 'payload_properties.txt': properties({ [key]: value }) })))
    await expect(open(path)).rejects.toMatchObject({ code })
  })

  it('whose FILE_HASH is another fail verification', async () => {
    const change = { FILE_HASH: sha(Buffer.from('x')).toString('base64') }
    const rom = await open(put(await zipBytes(ota({ 'payload_properties.txt': properties(change) }))))
    await expect(verifyRom(rom, { signal: NEVER, workshop })).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
    await rom.close()
  })

  it('with damaged data fail verification, naming the partition', async () => {
    const damaged = Buffer.from(payload)
    damaged[manifestEnd + 500] = (damaged[manifestEnd + 500] ?? 0) ^ 1
    const rom = await open(put(damaged))
    await expect(verifyRom(rom, { signal: NEVER, workshop })).rejects.toMatchObject({
      code: expect.stringMatching(/digest-mismatch|decode-failed/),
      message: expect.stringMatching(/kernel|root/),
    })
    await rom.close()
  })

  it('describe the delta of an OTA zip, of which no image can be read', async () => {
    const from = 'nubia/NX679J:14/1'
    const delta = readFileSync(join(folder, 'delta_payload.bin'))
    const metadata = `${METADATA}pre-build=${from}|${from}0\n`
    const rom = await open(
      put(await zipBytes({ 'META-INF/com/android/metadata': metadata, 'payload.bin': delta })),
    )
    expect(rom.info).toMatchObject({
      kind: 'ota-zip',
      full: false,
      delta: true,
      preBuild: [from, `${from}0`],
      postBuild: ['nubia/NX679J:14'],
    })
    expect(rom.info.images.length).toBeGreaterThan(0)
    expect(rom.info.notes.join()).toMatch(/delta/)
    const verified = await verifyRom(rom, { signal: NEVER, workshop })
    for (const image of verified.info.images) {
      expect(image.sha256).toMatch(/^[0-9a-f]{64}$/)
      expect(() => verified.image(image)).toThrow(expect.objectContaining({ code: 'payload-delta' }))
    }
    await rom.close()
  })

  it('hold the delta of an OTA zip to the digest of its whole payload', async () => {
    const delta = readFileSync(join(folder, 'delta_payload.bin'))
    const text = `FILE_HASH=${sha(delta).toString('base64')}\n`
    delta[delta.length - 1] = (delta.at(-1) ?? 0) ^ 1
    const rom = await open(put(await zipBytes({ 'payload.bin': delta, 'payload_properties.txt': text })))
    await expect(verifyRom(rom, { signal: NEVER, workshop })).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
    await rom.close()
  })

  it.each([
    ['bare delta', 'payload-delta', async () => readFileSync(join(folder, 'delta_payload.bin'))],
    ['truncated payload', 'source-truncated', async () => payload.subarray(0, 2000)],
    ['truncated zip', 'source-truncated', async () => (await zipBytes(ota())).subarray(0, 2500)],
    [
      'update for A-only terminals',
      'package-unknown',
      () => zipBytes({ 'boot.img': BOOT, 'system.transfer.list': '4' }),
    ],
    [
      'update of another type',
      'package-unknown',
      () => zipBytes(ota({ 'META-INF/com/android/metadata': 'ota-type=BLOCK' })),
    ],
    ['something else', 'package-unknown', async () => Buffer.from('hello')],
    ['an empty file', 'package-unknown', async () => Buffer.alloc(0)],
    ['a zip of something else', 'package-unknown', () => zipBytes({ 'a.txt': 'hello' })],
  ])('%s: %s', async (_, code, make) => {
    await expect(open(put(await make()))).rejects.toMatchObject({ code })
  })

  it('stop being verified when the signal says so', async () => {
    const rom = await open(put(payload))
    const stop = new AbortController()
    const verifying = verifyRom(rom, { signal: stop.signal, workshop, onProgress: () => stop.abort() })
    await expect(verifying).rejects.toMatchObject({ code: 'cancelled' })
    await rom.close()
  })
})

const SPARSE = readFileSync(fixture('sparse/test_file.bin.sparse'))
const RAW = readFileSync(fixture('sparse/test_file.bin'))
const ANDROID_INFO = 'require product=NX679J|NX679S\nrequire version-bootloader=1\n'
const set = (change: Members = {}): Members => ({
  'android-info.txt': ANDROID_INFO,
  'boot.img': BOOT,
  'system.img': SPARSE,
  'system_other.img': BOOT,
  'modem_a.img': BOOT,
  ...change,
})

const MIB = 1024 * 1024

/** A sparse image of one raw chunk. */
function sparse(image: Buffer): Buffer {
  const head = Buffer.alloc(40)
  head.writeUInt32LE(0xed26ff3a, 0)
  for (const [at, value] of [
    [4, 1],
    [8, 28],
    [10, 12],
  ] as const)
    head.writeUInt16LE(value, at)
  for (const [at, value] of [
    [12, 4096],
    [16, image.length / 4096],
    [20, 1],
  ] as const)
    head.writeUInt32LE(value, at)
  head.writeUInt16LE(0xcac1, 28)
  head.writeUInt32LE(image.length / 4096, 32)
  head.writeUInt32LE(image.length + 12, 36)
  return Buffer.concat([head, image])
}

describe('fastboot image sets', () => {
  const kinds = [
    ['fastboot-folder', async (files: Members) => putFolder(files)],
    ['fastboot-zip', async (files: Members) => put(await zipBytes(files, ['system.img']))],
    [
      'fastboot-zip',
      async (files: Members) => {
        const inside = Object.entries(files).map(([name, data]) => [`set/${name}`, data] as const)
        return put(await zipBytes(Object.fromEntries(inside)))
      },
    ],
    [
      'factory-zip',
      async (files: Members) => {
        const inner = await zipBytes(files, ['boot.img'])
        return put(
          await zipBytes({ 'nx-1/image-nx-1.zip': inner, 'nx-1/flash-all.sh': '' }, ['nx-1/image-nx-1.zip']),
        )
      },
    ],
  ] as const

  it.each(kinds)('as %s read the same', async (kind, make) => {
    const rom = await open(await make(set()))
    expect(rom.info).toMatchObject({ kind, models: ['NX679J', 'NX679S'], full: true, notes: [] })
    expect(rom.info.requirements).toHaveLength(2)
    expect(
      rom.info.images.map(({ name, slot, slotted, size }) => [name, slot, slotted, size]).sort(),
    ).toEqual([
      ['boot', undefined, 'ask', BOOT.length],
      ['modem', 'a', 'yes', BOOT.length],
      ['system', undefined, 'ask', RAW.length],
      ['system', 'b', 'yes', BOOT.length],
    ])
    const verified = await verifyRom(rom, { signal: NEVER, workshop })
    expect(verified.image({ name: 'system' }).sha256).toBe(sha(RAW).toString('hex'))
    expect(Buffer.compare(await expand(verified.image({ name: 'system' })), RAW)).toBe(0)
    expect(() => rom.image({ name: 'system', slot: 'a' })).toThrow(
      expect.objectContaining({ code: 'package-incomplete' }),
    )
    await rom.close()
  })

  it('know their logical partitions from super_empty.img of lpmake', async () => {
    const path = putFolder(set())
    copyFileSync(fixture('super/super_empty.img'), join(path, 'super_empty.img'))
    const rom = await open(path)
    const placements = new Map(rom.info.images.map(({ name, placement }) => [name, placement]))
    expect(placements.get('system')).toBe('logical')
    expect(placements.get('boot')).toBe('physical')
    expect(rom.info.images.some(({ name }) => name === 'super_empty')).toBe(false)
    // That file has only the default group, which limits nothing.
    expect(rom.info.dynamicGroups).toEqual([])
    await rom.close()
  })

  describe('offer super_empty.img for update-super', () => {
    const EMPTY = readFileSync(fixture('super/super_empty.img'))

    it('as it is, with its digest and what it says', async () => {
      const rom = await open(putFolder({ ...set(), 'super_empty.img': EMPTY }))
      const digest = sha(EMPTY).toString('hex')
      expect(rom.info.superEmpty).toMatchObject({ name: 'super_empty', sha256: digest })
      const groups = rom.info.superEmpty?.tables.groups
      expect(groups).toEqual([{ name: 'default', maximum: 0 }])
      const verified = await verifyRom(rom, { signal: NEVER, workshop })
      for (const image of [rom.image({ name: 'super_empty' }), verified.image({ name: 'super_empty' })]) {
        expect(image.sha256).toBe(digest)
        expect(Buffer.compare(await expand(image), EMPTY)).toBe(0)
      }
      expect(verified.info.superEmpty).toEqual(rom.info.superEmpty)
      expect(() => rom.image({ name: 'super_empty', slot: 'b' })).toThrow(
        expect.objectContaining({ code: 'package-incomplete' }),
      )
      await rom.close()
    })

    it('not where the terminal would refuse it', async () => {
      const blocks = Buffer.concat([EMPTY, Buffer.alloc(4096 - (EMPTY.length % 4096))])
      for (const content of [sparse(blocks), readFileSync(fixture('super/super.img'))]) {
        const rom = await open(putFolder({ ...set(), 'super_empty.img': content }))
        expect(rom.info.superEmpty).toBeUndefined()
        expect(() => rom.image({ name: 'super_empty' })).toThrow(
          expect.objectContaining({ code: 'package-incomplete' }),
        )
        await rom.close()
      }
    })

    it('not when it is another than the set promises', async () => {
      const SHA256SUMS = `${'0'.repeat(64)}  super_empty.img\n`
      await expect(open(putFolder({ ...set(), 'super_empty.img': EMPTY, SHA256SUMS }))).rejects.toMatchObject(
        {
          code: 'digest-mismatch',
        },
      )
    })
  })

  it.each([
    ['raw', (image: Buffer) => image],
    ['sparse', sparse],
  ] as const)('find the logical partitions inside a %s super.img', async (_, pack) => {
    const whole = readFileSync(fixture('super/super.img'))
    const files = { 'boot.img': BOOT, 'super.img': pack(whole) }
    const rom = await open(putFolder(files))
    expect(
      rom.info.images.map(({ name, slot, slotted, placement }) => [name, slot, slotted, placement]),
    ).toEqual([
      ['boot', undefined, 'ask', 'physical'],
      ['system', undefined, 'yes', 'logical'],
    ])
    const inside = await expand(rom.image({ name: 'system' }))
    const content = readFileSync(fixture('super/system.img'))
    expect(Buffer.compare(inside.subarray(0, content.length), content)).toBe(0)
    expect(() => rom.image({ name: 'super' })).toThrow(
      expect.objectContaining({ code: 'package-incomplete' }),
    )
    await verifyRom(rom, { signal: NEVER, workshop })
    await rom.close()
    await expect(open(putFolder({ ...files, 'system.img': RAW }))).rejects.toMatchObject({
      code: 'package-unsafe',
    })
  })

  it('leave the empty second slot of a super.img out, and keep one that is filled', async () => {
    const tables = SuperBuilder.create({ size: 16 * MIB, metadataSlots: 3, virtualAb: true })
    for (const name of ['system_a', 'system_b', 'vendor_a', 'vendor_b', 'odm']) tables.addPartition(name)
    for (const name of ['system_a', 'vendor_a', 'vendor_b', 'odm']) tables.resize(name, MIB)
    const metadata = tables.build()
    const image = Buffer.alloc(16 * MIB)
    image.set(encodeSuperTables(tables.geometry, metadata))
    for (const [index, { extents }] of metadata.partitions.entries())
      for (const extent of extents)
        image.fill(index + 1, extent.sourceSector * 512, extent.sourceSector * 512 + 5)
    const rom = await open(putFolder({ 'super.img': image }))
    expect(rom.info.images.map(({ name, slot, slotted }) => [name, slot, slotted])).toEqual([
      ['system', undefined, 'yes'],
      ['vendor', undefined, 'yes'],
      ['vendor', 'b', 'yes'],
      ['odm', undefined, 'ask'],
    ])
    expect((await expand(rom.image({ name: 'vendor', slot: 'b' })))[0]).toBe(4)
    await rom.close()
  })

  it('hold a super.img to its digest file, and refuse one whose tables are damaged', async () => {
    const whole = readFileSync(fixture('super/super.img'))
    const line = `${sha(Buffer.from('x')).toString('hex')}  super.img\n`
    const rom = await open(putFolder({ 'super.img': whole, SHA256SUMS: line }))
    await expect(verifyRom(rom, { signal: NEVER, workshop })).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
    await rom.close()
    const damaged = Buffer.from(whole).fill(0, 4096, 12 * 1024)
    await expect(open(putFolder({ 'super.img': damaged }))).rejects.toMatchObject({ code: 'super-invalid' })
  })

  it('follow fastboot-info.txt, and say what it leaves out', async () => {
    const info =
      'version 1\nflash system\nflash --slot-other system system_other.img\nflash boot_a boot.img\n'
    const rom = await open(putFolder(set({ 'fastboot-info.txt': info })))
    expect(rom.info.images.map(({ name, slot }) => [name, slot])).toEqual([
      ['system', undefined],
      ['system', 'b'],
      ['boot', 'a'],
    ])
    expect(rom.info.notes).toEqual([expect.stringContaining('modem_a.img')])
    await rom.close()
    const lacking = putFolder(set({ 'fastboot-info.txt': 'version 1\nflash vendor\n' }))
    await expect(open(lacking)).rejects.toMatchObject({ code: 'package-incomplete', message: /vendor\.img/ })
  })

  it('are held to a digest file beside them', async () => {
    const line = (data: Uint8Array, name: string) => `${sha(data).toString('hex')}  ${name}\n`
    const right = set({ SHA256SUMS: line(BOOT, 'boot.img') + line(SPARSE, './system.img') })
    const rom = await open(putFolder(right))
    expect(rom.info.images.find(({ name }) => name === 'boot')?.sha256).toBe(sha(BOOT).toString('hex'))
    await verifyRom(rom, { signal: NEVER, workshop })
    await rom.close()
    for (const name of ['boot.img', 'system.img']) {
      const wrong = await open(putFolder(set({ SHA256SUMS: line(Buffer.from('x'), name) })))
      await expect(verifyRom(wrong, { signal: NEVER, workshop })).rejects.toMatchObject({
        code: 'digest-mismatch',
      })
      await wrong.close()
    }
  })

  it('in a zip are held to its CRC-32, stored or not', async () => {
    const bytes = await zipBytes(set())
    const at = bytes.indexOf(BOOT.subarray(0, 64)) + 5000
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const rom = await open(put(bytes))
    await expect(verifyRom(rom, { signal: NEVER, workshop })).rejects.toMatchObject({
      code: 'digest-mismatch',
    })
    await rom.close()
  })

  it('that cannot be written whole say so', async () => {
    const rom = await open(putFolder(set({ 'super_1.img': SPARSE, 'super_2.img': SPARSE })))
    expect(rom.info.full).toBe(false)
    expect(rom.info.notes.join()).toMatch(/2 pieces/)
    await rom.close()
  })

  it.each([
    ['two files for one partition', 'package-unsafe', set({ 'system_b.img': BOOT })],
    ['no image', 'package-incomplete', { 'android-info.txt': ANDROID_INFO }],
    [
      'a damaged sparse image',
      'sparse-invalid',
      set({ 'system.img': Buffer.from(SPARSE).fill(0xff, 12, 16) }),
    ],
    ['a senseless android-info.txt', 'android-info-invalid', set({ 'android-info.txt': 'hello' })],
  ])('with %s are %s', async (_, code, files) => {
    await expect(open(putFolder(files))).rejects.toMatchObject({ code })
  })

  it('change their fingerprint with their content', async () => {
    const opened = await Promise.all(
      [set(), set(), set({ 'boot.img': Buffer.from(BOOT).fill(1, 0, 9) })].map((files) =>
        open(putFolder(files)),
      ),
    )
    const [first, second, third] = opened.map(({ info }) => info.fingerprint)
    expect(first).toBe(second)
    expect(third).not.toBe(first)
    for (const rom of opened) await rom.close()
  })
})
