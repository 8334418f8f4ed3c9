// Hash tree and error correction as cryptsetup's `veritysetup` 2.6.1 makes them:
// veritysetup format IMAGE hash --fec-device=fec --fec-roots=ROOTS --salt=0102030405060708 --no-superblock
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { collect } from '../../../../test/images.ts'
import { hashtreeBytes } from './hashtree-bytes.ts'
import { CODEWORD, ParityEncoder } from './reed-solomon.ts'
import { fecParity, fecSize } from './verity-fec.ts'

const BLOCK = 4096
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const reader = (bytes: Uint8Array) => async (offset: number, length: number) => {
  if (offset + length > bytes.length) throw new Error('read beyond the end')
  return bytes.subarray(offset, offset + length)
}

function image(name: string): Buffer {
  const archive = fixture('payload/sample_images.tar.bz2')
  return execFileSync('tar', ['xfO', archive, name], { maxBuffer: 16 * 1024 * 1024 })
}

describe('a verity image', () => {
  it.each([
    [
      'disk_sqfs_default.img',
      2,
      '31bae29aa6e110d55d81cda1bb6268267cb7a321c0e3f2f254830342059036ee',
      '58dab790d091c9e0710b167f8c17ac89ffd81ccfd34550c66418ec68a523813a',
    ],
    [
      'disk_sqfs_default.img',
      24,
      '31bae29aa6e110d55d81cda1bb6268267cb7a321c0e3f2f254830342059036ee',
      'a8e31394d1ad3d0fce74640b8e5b8a933b5985eeaa00ba01570b5ec0c5351eb3',
    ],
    [
      'disk_ext2_4k.img',
      2,
      '7afeaf1305458268321eff7baa90cae973fb257ff17cfe6e15c9313fcf4d79df',
      '50dc38d93892345bb142fb5b0c2d237ec94ed12aa3e4c8b776b7f2de50b91e3f',
    ],
    [
      'disk_ext2_4k.img',
      24,
      '7afeaf1305458268321eff7baa90cae973fb257ff17cfe6e15c9313fcf4d79df',
      '10f5d033b9b28ee72eb0958a7f49db8b102248b16453666eed32eedcaeceb317',
    ],
  ])('of %s with %i roots is what veritysetup makes', async (name, roots, hash, fec) => {
    const data = image(name)
    const { tree } = await hashtreeBytes({
      ...{ read: reader(data), imageSize: data.length, algorithm: 'sha256' },
      ...{ dataBlockSize: BLOCK, hashBlockSize: BLOCK, salt: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
    })
    expect(sha(tree)).toBe(hash)
    const all = Buffer.concat([data, tree])
    const spec = { dataSize: all.length, blockSize: BLOCK, roots }
    const parity = Buffer.concat(await collect(fecParity({ ...spec, read: reader(all) })))
    expect(parity.length).toBe(fecSize(spec))
    expect(sha(parity)).toBe(fec)
  })
})

describe('parity', () => {
  it('makes every codeword a multiple of the generator, so that it vanishes at its roots', () => {
    const exp = [1]
    for (let i = 1; i < CODEWORD; i++) {
      const next = (exp[i - 1] ?? 0) * 2
      exp.push(next > 255 ? next ^ 0x11d : next)
    }
    const times = (a: number, b: number) =>
      a === 0 || b === 0 ? 0 : (exp[(exp.indexOf(a) + exp.indexOf(b)) % CODEWORD] ?? 0)
    const message = (roots: number) =>
      fc.uint8Array({ minLength: CODEWORD - roots, maxLength: CODEWORD - roots })
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 24 }).chain((roots) => fc.tuple(fc.constant(roots), message(roots))),
        ([roots, bytes]) => {
          const encoder = new ParityEncoder(1, roots)
          for (const byte of bytes) encoder.add(Uint8Array.of(byte))
          const word = [...bytes, ...encoder.parity()]
          for (let root = 0; root < roots; root++)
            expect(word.reduce((sum, byte) => times(sum, exp[root] ?? 0) ^ byte, 0)).toBe(0)
        },
      ),
      { numRuns: 20 },
    )
  })
})
