import { describe, expect, it } from 'vitest'
import { memorySource } from '../../../../test/images.ts'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import { zipBytes } from '../../core/formats/zip-writer.ts'
import { blockBytesFor } from './block-size.ts'

const { signal } = new AbortController()
const LONG = 16 * 1024 * 1024

async function packageWith(name: string, size = LONG) {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const part of zipBytes([{ name, content: new Uint8Array(size), compress: false }]))
    parts.push(new Uint8Array(part))
  return memorySource(joinBytes(parts), 'package.zip')
}

describe('the blocks of a package', () => {
  it('are larger where a payload is read from front to back', async () => {
    expect(await blockBytesFor(await packageWith('payload.bin'), signal)).toBe(256 * 1024)
  })

  it.each([
    ['a package that a script installs', () => packageWith('system.new.dat.br')],
    ['a short one', () => packageWith('payload.bin', 1000)],
    ['what is no package', () => memorySource(new Uint8Array(LONG))],
    ['nothing', () => memorySource(new Uint8Array(0))],
  ])('are those of adb for %s', async (_, source) => {
    expect(await blockBytesFor(await source(), signal)).toBe(64 * 1024)
  })
})
