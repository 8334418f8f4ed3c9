// Sparse files of ours expanded by simg2img, and those of img2simg here, byte for byte.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { expand, memorySource, NEVER } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { memoryImage } from './raw-image.ts'
import { openSparse } from './sparse-reader.ts'
import { splitToSparse } from './sparse-writer.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'slotbench-sparse-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** Data, zeros and repeated words in runs of varying length, the same on every run. */
function sample(blocks: number, tail: number): Uint8Array {
  const image = new Uint8Array(blocks * 4096 + tail)
  for (let block = 0; block * 4096 < image.byteLength; block++) {
    const seed = createHash('sha256').update(`block ${block}`).digest()
    const kind =
      createHash('sha256')
        .update(`run ${block >> 3}`)
        .digest()
        .readUInt8() % 4
    const target = image.subarray(block * 4096, (block + 1) * 4096)
    if (kind === 1) target.fill(0xff)
    if (kind >= 2) for (let i = 0; i < target.byteLength; i++) target[i] = (seed[i % 32] ?? 0) ^ (i >> 5)
  }
  return image
}

const IMAGES = [
  ['runs of all kinds', () => sample(700, 0)],
  ['an image that ends inside a block', () => sample(300, 1234)],
  ['the image of AOSP’s test', () => new Uint8Array(readFileSync(fixture('sparse/test_file.bin')))],
  ['nothing but zeros', () => new Uint8Array(1024 * 1024)],
] as const

let [img2simg, simg2img] = ['', '']
beforeEach((ctx) => {
  img2simg = requireTool('img2simg', ctx)
  simg2img = requireTool('simg2img', ctx)
})

const padded = (content: Uint8Array) => Buffer.concat([content, new Uint8Array(-content.byteLength & 4095)])
const LIMITS = [2 ** 30, 256 * 1024, 8192]

describe.each(IMAGES)('%s', (_what, make) => {
  it.each(LIMITS)('simg2img expands our pieces of at most %i bytes', async (limit) => {
    const content = make()
    const path = folder()
    const files: string[] = []
    for await (const piece of splitToSparse(memoryImage(content), { limit, signal: NEVER })) {
      const file = join(path, `piece${files.length}`)
      writeFileSync(file, Buffer.concat(piece.parts))
      files.push(file)
    }
    execFileSync(simg2img, [...files, join(path, 'raw')])
    expect(readFileSync(join(path, 'raw')).equals(padded(content))).toBe(true)
  })

  it.each([4096, 1024])('we expand what img2simg wrote in blocks of %i', async (blockSize) => {
    const content = make()
    const path = folder()
    writeFileSync(join(path, 'raw'), content)
    execFileSync(img2simg, [join(path, 'raw'), join(path, 'sparse'), String(blockSize)])
    const image = await openSparse(memorySource(readFileSync(join(path, 'sparse'))))
    expect(image.blockSize).toBe(blockSize)
    expect(
      Buffer.from(await expand(image))
        .subarray(0, content.byteLength)
        .equals(content),
    ).toBe(true)
  })
})
