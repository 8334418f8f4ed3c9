// AOSP's own generator made a delta (BSDF2 with brotli, SOURCE_COPY, REPLACE_BZ, REPLACE_XZ, ZERO) with the images around it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { expand, NEVER } from '../../../../test/images.ts'
import { openFile } from '../../io/files/open-file.ts'
import { openFolder } from '../../io/files/open-folder.ts'
import { openRomFolder } from '../../io/files/rom-folder.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { type ApplyOptions, applyDelta } from './delta.ts'
import { openDeltaPackage, openRom } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-delta-'))
const workshop = createWorkshop({ width: 2 })
const IMAGES = {
  kernel: { old: 'disk_ext2_4k_empty.img', new: 'disk_ext2_4k.img' },
  root: { old: 'disk_sqfs_empty.img', new: 'disk_sqfs_default.img' },
}
let count = 0

beforeAll(() => {
  for (const archive of ['payload/sample_payloads.tar.xz', 'payload/sample_images.tar.bz2'])
    execFileSync('tar', ['xf', fixture(archive), '-C', folder])
})
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

function fresh(name: string): string {
  count += 1
  return join(folder, `${name} ${count}`)
}

/** The old build as an image set. */
function baseFolder(change: (path: string) => void = () => {}): string {
  const path = fresh('base')
  mkdirSync(path)
  for (const [name, image] of Object.entries(IMAGES))
    copyFileSync(join(folder, image.old), join(path, `${name}.img`))
  change(path)
  return path
}

async function apply(delta: string, base: string, out: string, options: Partial<ApplyOptions> = {}) {
  const deps = { openFile, openFolder, workshop }
  const opened = await openDeltaPackage(delta, deps, NEVER)
  const rom = await openRom(base, deps, NEVER)
  try {
    const target = await openRomFolder(out)
    return await applyDelta(opened, rom, { workshop, folder: target, signal: NEVER, ...options })
  } finally {
    await rom.close()
    await opened.close()
  }
}

async function imagesOf(path: string): Promise<Map<string, Uint8Array>> {
  const rom = await openRom(path, { openFile, openFolder, workshop }, NEVER)
  try {
    const images = new Map<string, Uint8Array>()
    for (const image of rom.info.images) images.set(image.name, await expand(rom.image(image)))
    expect(rom.info).toMatchObject({ kind: 'payload', full: true })
    return images
  } finally {
    await rom.close()
  }
}

describe('AOSP’s delta', () => {
  it('applied to its images makes the images that it was made for', async () => {
    const out = fresh('out')
    const done = await apply(join(folder, 'delta_payload.bin'), baseFolder(), out)
    expect(done.resumed).toEqual([])
    const images = await imagesOf(out)
    for (const [name, image] of Object.entries(IMAGES))
      expect(Buffer.compare(images.get(name) ?? Buffer.of(), readFileSync(join(folder, image.new)))).toBe(0)
    expect(readdirSync(out).sort()).toEqual([
      'metadata',
      'payload.bin',
      'payload_properties.txt',
      'slotbench-delta.json',
    ])
  })
})
