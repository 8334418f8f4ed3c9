// Locks between programs: a living owner keeps them, a dead one does not.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isHeld, takeLock, withFileLock } from './file-lock.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-lock-'))
  path = join(folder, 'deep', 'one.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

it('lets one in at a time', async () => {
  let inside = 0
  let most = 0
  const work = () =>
    withFileLock(path, { waitMs: 60_000 }, async () => {
      inside++
      most = Math.max(most, inside)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside--
    })
  await Promise.all(Array.from({ length: 5 }, work))
  expect(most).toBe(1)
  expect(existsSync(path)).toBe(false)
})

it('says who holds it, and gives up in time or when told', async () => {
  const release = await takeLock(path, { waitMs: 0 })
  expect(await isHeld(path)).toBe(true)
  await expect(takeLock(path, { waitMs: 0 })).rejects.toMatchObject({ code: 'repo-busy' })
  const stop = new AbortController()
  const owners: string[] = []
  const waiting = takeLock(path, {
    ...{ waitMs: Number.POSITIVE_INFINITY, signal: stop.signal },
    onWait: (owner) => {
      owners.push(owner)
      stop.abort()
    },
  })
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  expect(owners).toEqual([`process ${process.pid} on ${hostname()}`])
  await release()
  expect(await isHeld(path)).toBe(false)
})

it('is taken from an owner that died', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  await (await takeLock(path, { waitMs: 0 }))()
  writeFileSync(path, JSON.stringify({ token: 'x', pid, host: hostname() }))
  expect(await isHeld(path)).toBe(false)
  await (await takeLock(path, { waitMs: 0 }))()
})

it('is taken from another computer only when its heart has stopped', async () => {
  await (await takeLock(path, { waitMs: 0 }))()
  writeFileSync(path, JSON.stringify({ token: 'x', pid: 1, host: 'another-bench' }))
  await expect(takeLock(path, { waitMs: 0 })).rejects.toMatchObject({ code: 'repo-busy' })
  const longAgo = new Date(Date.now() - 600_000)
  utimesSync(path, longAgo, longAgo)
  await (await takeLock(path, { waitMs: 0 }))()
})

it('is not given back by who lost it', async () => {
  const release = await takeLock(path, { waitMs: 0 })
  writeFileSync(path, JSON.stringify({ token: 'other', pid: process.pid, host: hostname() }))
  await release()
  expect(existsSync(path)).toBe(true)
})

it('is free again when its maker died before it wrote a word, after a while', async () => {
  await (await takeLock(path, { waitMs: 0 }))()
  writeFileSync(path, '')
  await expect(takeLock(path, { waitMs: 0 })).rejects.toMatchObject({ code: 'repo-busy' })
  const longAgo = new Date(Date.now() - 600_000)
  utimesSync(path, longAgo, longAgo)
  await (await takeLock(path, { waitMs: 0 }))()
})
