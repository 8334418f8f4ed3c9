// The way into a running system over ADB: prompts, keys, properties, silence, and whoever else stands there.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentDaemon } from '../../src/simulator/adb-service.ts'
import { bringBackToBootloader } from '../../src/simulator/hands.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { changeableDaemon, expectEnd, keysIn, ModeBench, openPlace, outcome } from './bench.ts'

let place: Workplace
beforeAll(async () => {
  place = await openPlace('nx769j')
})
afterAll(() => place.close())

/** What the terminal does with a computer that it does not know. */
const asks = (answer: 'allow' | 'always-allow' | 'refuse' | 'never-answers', ms = 0) =>
  ({ auth: 'system', prompt: { answer, ms } }) as const

describe.concurrent('a terminal that asks on its screen', () => {
  it.each(['never-answers', 'refuse'] as const)('(%s) leaves the rest to hands', async (answer) => {
    const bench = await ModeBench.open(place, { adb: asks(answer), patience: { hands: 500 } })
    await expect(bench.bench.plan()).rejects.toMatchObject({
      code: 'mode-not-reached',
      message: expect.stringMatching(/does not let this computer in/),
    })
    expect(bench.bench.waitings).toEqual([
      { reason: 'adb-authorisation', seconds: expect.any(Number) },
      { reason: 'hands-to-bootloader', seconds: 1, guide: 'bootloader' },
    ])
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('is flashed by hands when nobody ever answers', async () => {
    const bench = await ModeBench.open(place, {
      adb: asks('never-answers'),
      from: 'bootloader',
      recipe: { proofTimeout: 8 },
    })
    bringBack(bench)
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    expect(bench.waitings.map(({ reason }) => reason)).toContain('adb-authorisation')
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('is flashed when somebody allows it late', async () => {
    const bench = await ModeBench.open(place, { adb: asks('always-allow', 900), patience: { hands: 3_000 } })
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    expect(bench.bench.waitings[0]).toEqual({ reason: 'adb-authorisation', seconds: expect.any(Number) })
    await bench.close()
  })

  it('and is pulled meanwhile, is gone; put back, it is asked anew', async () => {
    const bench = await ModeBench.open(place, { adb: asks('always-allow', 600), patience: { hands: 2_000 } })
    const { usb, terminal } = bench.bench
    const planning = bench.bench.plan()
    planning.catch(() => undefined)
    await expect
      .poll(() => bench.bench.waitings)
      .toContainEqual(expect.objectContaining({ reason: 'adb-authorisation' }))
    usb.unplug(terminal)
    await expect(planning).rejects.toMatchObject({ code: 'terminal-not-found' })
    usb.plug(terminal, { bus: '1', ports: [2] })
    await bench.planned()
    expect(bench.bench.waitings.filter(({ reason }) => reason === 'adb-authorisation')).toHaveLength(2)
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })
})

describe.concurrent('the key of this computer', () => {
  it.each([
    ['no key at all', 'nonsense'],
    ['an empty file', ''],
    [
      'a key of another kind',
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAA\n-----END PRIVATE KEY-----\n',
    ],
  ])('is %s: said at once', async (_, content) => {
    const dataFolder = mkdtempSync(join(place.folder, 'key-'))
    mkdirSync(join(dataFolder, 'adb'))
    writeFileSync(join(dataFolder, 'adb', 'adbkey'), content)
    const credentials = keysIn(dataFolder)
    const bench = await ModeBench.open(place, {
      adb: asks('always-allow'),
      credentials,
      patience: { hands: 60_000, reconnect: 60_000 },
    })
    await expect(bench.bench.plan()).rejects.toMatchObject({
      code: 'adb-key-invalid',
      message: expect.stringContaining(dataFolder),
    })
    // At once: nobody was asked for anything.
    expect(bench.bench.waitings).toEqual([])
    await bench.close()
  })

  it('is a folder, found out in the middle of a job: moved away, the job goes on', async () => {
    const dataFolder = mkdtempSync(join(place.folder, 'key-'))
    mkdirSync(join(dataFolder, 'adb', 'adbkey'), { recursive: true })
    let store = keysIn(dataFolder)
    const bench = await ModeBench.open(place, {
      adb: asks('always-allow'),
      credentials: { keys: () => store.keys() },
      from: 'bootloader',
      patience: { hands: 60_000 },
    })
    const job = await bench.flashed()
    expect([job.state, job.problem?.code], outcome(job)).toEqual(['failed', 'adb-key-invalid'])
    store = keysIn(place.folder)
    await bench.resumes()
    await bench.close()
  })

  it('is not asked for by a terminal that lets everybody in', async () => {
    const credentials = { keys: () => Promise.reject(new Error('nobody asked')) }
    const bench = await ModeBench.open(place, { credentials })
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    await bench.close()
  })
})

const ABSURD: readonly (readonly [string, Record<string, string>])[] = [
  [
    'empty',
    { 'ro.product.device': '', 'ro.product.model': '', 'ro.serialno': '', 'ro.build.fingerprint': '' },
  ],
  [
    'of a megabyte',
    { 'ro.build.display.id': 'x'.repeat(1_000_000), 'ro.product.model': 'y'.repeat(1_000_000) },
  ],
  [
    'with control characters',
    { 'ro.product.model': 'a\u001b[2Jb', 'ro.build.display.id': 'c\nd]\n[sys.x]: [1' },
  ],
  ['no numbers', { 'ro.build.version.security_patch': 'yesterday', 'ro.boot.flash.locked': 'perhaps' }],
]

describe.concurrent('properties', () => {
  it.each(ABSURD)('that are %s do not keep a terminal from being flashed', async (_, replaced) => {
    const bench = await ModeBench.open(place, { adb: { properties: { replaced } } })
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('that are all missing do not keep it either, but prove nothing', async () => {
    const { daemon, change } = changeableDaemon({ properties: { missing: ALL } })
    const bench = await ModeBench.open(place, { daemon, recipe: { proofTimeout: 1 } })
    expectEnd(await bench.flashed(), 'written', 'boot-not-proven', /still starting/)
    await bench.boots(NEW_BUILD, 'b')
    change({})
    await bench.restart()
    await bench.resumes()
    await bench.close()
  })

  it.each([
    ['ro.boot.slot_suffix', '_q', /which slot/],
    ['ro.boot.slot_suffix', '', /which slot/],
    ['sys.boot_completed', 'maybe', /sys.boot_completed/],
    ['sys.boot_completed', '11', /sys.boot_completed/],
  ])('(%s is %j) prove nothing; the bootloader can', async (name, value, detail) => {
    const properties = { replaced: { [name]: value } }
    const bench = await ModeBench.open(place, {
      adb: { properties },
      from: 'bootloader',
      recipe: { proofTimeout: 1 },
    })
    expectEnd(await bench.flashed(), 'written', 'boot-not-proven', detail)
    await bench.boots(NEW_BUILD, 'b')
    await bench.restart('bootloader')
    await bench.resumes()
    await bench.close()
  })
})

const ALL = [
  ...['ro.product.model', 'ro.product.name', 'ro.product.device', 'ro.product.board', 'ro.serialno'],
  ...['ro.boot.serialno', 'ro.boot.slot_suffix', 'ro.build.fingerprint', 'sys.boot_completed'],
  ...[
    'ro.boot.flash.locked',
    'ro.boot.verifiedbootstate',
    'ro.boot.vbmeta.device_state',
    'ro.build.ab_update',
  ],
]

describe.concurrent('who answers', () => {
  it('is nobody: hands bring the terminal to its bootloader, and prove its boot there', async () => {
    const bench = await ModeBench.open(place, { daemon: silentDaemon, patience: { hands: 5_000 } })
    bench.whenAsked('bootloader', () => bringBack(bench))
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    expect(bench.bench.waitings).toContainEqual({
      reason: 'hands-to-bootloader',
      seconds: 5,
      guide: 'bootloader',
    })
    await bench.close()
  })

  it('is another terminal, which inherits nothing', async () => {
    const bench = await ModeBench.open(place, {})
    const stranger = await ModeBench.open(place, { serial: 'STRANGER' })
    stranger.bench.usb.unplug(stranger.terminal)
    await bench.planned()
    bench.bench.usb.swap(bench.terminal, stranger.terminal)
    const digest = await stranger.terminal.partitionDigest('boot_b')
    expectEnd(await bench.run(), 'interrupted', 'terminal-stranger', /serial number/)
    expect(await stranger.terminal.partitionDigest('boot_b')).toBe(digest)
    expect(stranger.terminal.state).toBe('system')
    bench.bench.usb.swap(stranger.terminal, bench.terminal)
    await bench.resumes()
    await stranger.close()
    await bench.close()
  })
})

/** Hands that restart it into its bootloader, now and whenever its system has been up for a while. */
function bringBack(bench: ModeBench): void {
  bringBackToBootloader(bench.terminal, { patienceMs: 2_000 })
  if (bench.terminal.state === 'system') void bench.restart('bootloader')
}
