// Packages for a terminal with logical partitions, opened by the product's own reader.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expand, memorySource, NEVER } from '../../../test/images.ts'
import { logicalImage, readSuper } from '../../main/core/formats/super.ts'
import { openRom } from '../../main/core/rom/open.ts'
import { verifyRom } from '../../main/core/rom/verify.ts'
import { openFile } from '../../main/io/files/open-file.ts'
import { openFolder } from '../../main/io/files/open-folder.ts'
import { createWorkshop } from '../../main/io/workers/workshop.ts'
import { BUILD_1, testBuild, testProfile } from '../test-terminal.ts'
import { type RomOptions, writeRom } from './make-rom.ts'
import { superEmptyImage, wholeSuperImage } from './super-image.ts'

const LOGICAL = ['system', 'vendor', 'product']
const workshop = createWorkshop({ width: 1 })
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotbench-super-'))
})
afterAll(async () => {
  await workshop.close()
  await rm(folder, { recursive: true })
})

describe('a package with logical partitions', () => {
  it.each<[string, Pick<RomOptions, 'kind' | 'logicalAs' | 'set'>]>([
    ['full OTA', { kind: 'ota-zip' }],
    ['set of images', { kind: 'fastboot-zip' }],
    ['set with a raw super', { kind: 'fastboot-zip', logicalAs: 'super' }],
    ['set with a sparse super', { kind: 'fastboot-folder', logicalAs: 'super', set: { format: 'sparse' } }],
  ])('is opened as what it is: %s', async (what, options) => {
    const out = join(folder, what)
    const build = await testBuild('nx769j', BUILD_1)
    await writeRom(testProfile('nx769j'), build, { ...BUILD_1, ...options, out })
    const rom = await openRom(out, { openFile, openFolder, workshop }, NEVER)
    try {
      const { info } = await verifyRom(rom, { signal: NEVER, workshop })
      expect(info.dynamicGroups).toMatchObject([{ name: 'qti_dynamic_partitions', partitions: LOGICAL }])
      const logical = info.images.filter(({ placement }) => placement === 'logical')
      expect(logical.map(({ name }) => name)).toEqual(LOGICAL)
      for (const { name, size } of logical) expect(size).toBe(build.get(name)?.size)
    } finally {
      await rom.close()
    }
  })

  it('has a super whose partitions are the images, from any offset', async () => {
    const profile = testProfile('nx769j-tight')
    const build = await testBuild('nx769j', BUILD_1)
    const images = [...build].map(([name, { image }]) => ({ name, image }))
    const whole = wholeSuperImage(profile, images)
    const bytes = await expand(whole)
    const { image, metadata, geometry } = await readSuper(memorySource(bytes), { signal: NEVER, slot: 2 })
    if (!image) return expect.unreachable()
    for (const name of LOGICAL) {
      const wanted = build.get(name)?.image
      if (!wanted) return expect.unreachable()
      const found = await expand(logicalImage(image, metadata, `${name}_a`))
      expect(Buffer.compare(found, await expand(wanted))).toBe(0)
    }
    for (const from of [1, 4096, 500_000, bytes.length - 1])
      expect(Buffer.compare(await expand(whole, from), bytes.subarray(from))).toBe(0)
    const empty = await readSuper(memorySource(superEmptyImage(profile)), { signal: NEVER })
    expect(empty).toMatchObject({ form: 'metadata', geometry })
    expect(empty.metadata.partitions.every(({ size }) => size === 0)).toBe(true)
  })
})
