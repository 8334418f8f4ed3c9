import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freeSpace } from './free-space.ts'
import { openFile } from './open-file.ts'
import { openFolder } from './open-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench files ü-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('files', () => {
  it('are read anywhere, beyond 4 GiB too', async () => {
    const path = join(folder, 'large.bin')
    const at = 5 * 2 ** 30
    const handle = await open(path, 'w')
    await handle.write(Buffer.from('here'), 0, 4, at)
    await handle.close()
    const source = await openFile(path)
    expect(source.size).toBe(at + 4)
    expect(Buffer.from(await source.read(at - 1, 5)).toString()).toBe('\0here')
    await expect(source.read(at, 5)).rejects.toMatchObject({ code: 'source-truncated' })
    await expect(source.read(-1, 5)).rejects.toMatchObject({ code: 'source-truncated' })
    truncateSync(path, 10)
    await expect(source.read(at, 4)).rejects.toMatchObject({ code: 'source-truncated' })
    await source.close()
  })

  it('that are not there, or are no files, are told apart from a broken disk', async () => {
    await expect(openFile(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'package-not-found' })
    await expect(openFile(folder)).rejects.toMatchObject({ code: 'package-not-found' })
  })

  it('stop being read when the signal says so', async () => {
    const path = join(folder, 'small')
    writeFileSync(path, 'x')
    const source = await openFile(path)
    await expect(source.read(0, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
    await source.close()
  })
})

describe('folders', () => {
  it('list their own files, and follow links that stay inside', async () => {
    const set = join(folder, 'set')
    mkdirSync(join(set, 'inner'), { recursive: true })
    writeFileSync(join(set, 'boot.img'), 'boot')
    symlinkSync('boot.img', join(set, 'recovery.img'))
    const opened = await openFolder(set)
    expect(opened?.files).toEqual([
      { name: 'boot.img', size: 4 },
      { name: 'recovery.img', size: 4 },
    ])
    const source = await opened?.open('recovery.img')
    expect(source?.size).toBe(4)
    await source?.close()
    await expect(opened?.open('../small')).rejects.toMatchObject({ code: 'package-incomplete' })
  })

  it.each(['../small', '/etc/hostname', 'nowhere'])('refuse a link to %s', async (to) => {
    const set = join(folder, `leaves ${to.replaceAll('/', '_')}`)
    mkdirSync(set)
    symlinkSync(to, join(set, 'boot.img'))
    await expect(openFolder(set)).rejects.toMatchObject({ code: 'package-unsafe' })
  })

  it('are told apart from files and from nothing', async () => {
    expect(await openFolder(join(folder, 'small'))).toBeUndefined()
    await expect(openFolder(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'package-not-found' })
  })
})

describe('free space', () => {
  it('is known where files can be written', async () => {
    expect(await freeSpace(folder)).toBeGreaterThan(0)
    await expect(freeSpace(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'host-io' })
  })
})
