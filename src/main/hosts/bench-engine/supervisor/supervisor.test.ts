// The PIN, the waits between wrong tries, and a window that is unlocked only while it is used.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RoleView } from '../../../../shared/role.ts'
import { LogBook } from '../log-book.ts'
import { COST, hashPin, isPin, storedPinSchema } from './pin-hash.ts'
import { Supervisor } from './supervisor.ts'
import { FREE_TRIES, Tries } from './tries.ts'
import { IDLE_MS, WindowRole } from './window-role.ts'

const CHEAP = 1024
const AT = Date.parse('2026-11-25T10:00:00Z')

let folder: string
let log: LogBook
let clock: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-supervisor-'))
  log = new LogBook(() => {})
  clock = AT
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const file = () => join(folder, 'supervisor.json')
const open = () => new Supervisor(folder, { log, cost: CHEAP, tries: new Tries(() => clock) })
const told = (of: Supervisor, roles: RoleView[] = []) => ({
  roles,
  role: new WindowRole({ supervisor: of, log, tell: (role) => roles.push(role), now: () => clock }),
})

describe('a PIN', () => {
  it('is known again by its hash, whatever it is made of, and no other one is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        async (pin, other) => {
          const stored = await hashPin(pin, CHEAP)
          expect(await isPin(pin, stored)).toBe(true)
          expect(await isPin(other, stored)).toBe(other.normalize('NFC') === pin.normalize('NFC'))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('has a salt of its own each time, and costs what it should', async () => {
    const [one, other] = [await hashPin('2580', CHEAP), await hashPin('2580', CHEAP)]
    expect(one.salt).not.toBe(other.salt)
    expect(one.hash).not.toBe(other.hash)
    const real = await hashPin('2580')
    expect(real).toMatchObject({ kdf: 'scrypt', cost: COST, blockSize: 8, parallel: 1 })
    expect(await isPin('2580', real)).toBe(true)
  })

  it('is not asked of a file that wants all memory', () => {
    const stored = { kdf: 'scrypt', cost: 2 ** 17, blockSize: 8, parallel: 1 }
    const hash = { salt: '0'.repeat(32), hash: '0'.repeat(64) }
    expect(storedPinSchema.safeParse({ ...stored, ...hash }).success).toBe(true)
    for (const bad of [{ cost: 2 ** 24 }, { cost: 1000 }, { blockSize: 4096 }, { salt: 'x' }, { kdf: 'md5' }])
      expect(storedPinSchema.safeParse({ ...stored, ...hash, ...bad }).success).toBe(false)
  })
})

describe('a bench', () => {
  it('has no supervisor until a PIN is set, and keeps its hash alone, for this user alone', async () => {
    const first = open()
    expect(first.hasPin).toBe(false)
    await first.setPin('korrekt 2580', undefined)
    const text = readFileSync(file(), 'utf8')
    expect(text).not.toContain('2580')
    if (process.platform !== 'win32') expect(statSync(file()).mode & 0o077).toBe(0)
    const again = open()
    expect(again.hasPin).toBe(true)
    await again.check('korrekt 2580')
    await expect(again.check('korrekt 2581')).rejects.toMatchObject({ code: 'pin-wrong' })
  })

  it('changes and removes a PIN with the old one only', async () => {
    const supervisor = open()
    await supervisor.setPin('1111', undefined)
    await expect(supervisor.setPin('2222', undefined)).rejects.toMatchObject({ code: 'pin-wrong' })
    await expect(supervisor.setPin('2222', '9999')).rejects.toMatchObject({ code: 'pin-wrong' })
    await supervisor.setPin('2222', '1111')
    await expect(supervisor.removePin('1111')).rejects.toMatchObject({ code: 'pin-wrong' })
    await supervisor.removePin('2222')
    expect([supervisor.hasPin, open().hasPin]).toEqual([false, false])
  })

  it('is locked, not open, when the file is damaged', async () => {
    await open().setPin('1111', undefined)
    for (const damage of ['', '{', '{"kdf":"scrypt"}', readFileSync(file(), 'utf8').slice(0, 40)]) {
      writeFileSync(file(), damage)
      const supervisor = open()
      expect(supervisor.hasPin).toBe(true)
      await expect(supervisor.check('1111')).rejects.toMatchObject({ code: 'host-io' })
      await expect(supervisor.setPin('2222', undefined)).rejects.toMatchObject({ code: 'host-io' })
    }
  })

  it('makes whoever guesses wait ever longer, also with the right one and with many at once', async () => {
    const supervisor = open()
    await supervisor.setPin('1111', undefined)
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, guess) =>
        supervisor.check(`000${guess}`).catch(({ code }: { readonly code: string }) => code),
      ),
    )
    expect(codes.filter((code) => code === 'pin-wrong').length).toBe(FREE_TRIES)
    expect(codes.filter((code) => code === 'pin-wait').length).toBe(20 - FREE_TRIES)
    await expect(supervisor.check('1111')).rejects.toMatchObject({ code: 'pin-wait' })
    clock += 5_000
    await expect(supervisor.check('0000')).rejects.toMatchObject({ code: 'pin-wrong' })
    clock += 9_999
    await expect(supervisor.check('1111')).rejects.toMatchObject({ code: 'pin-wait' })
    clock += 1
    await supervisor.check('1111')
    await expect(supervisor.check('0000')).rejects.toMatchObject({ code: 'pin-wrong' })
    await supervisor.check('1111')
  })

  it('never waits longer than ten minutes', () => {
    const tries = new Tries(() => clock)
    for (let wrong = 0; wrong < 1_200; wrong++) tries.wrong()
    expect(tries.waitMs).toBe(600_000)
    tries.right()
    expect(tries.waitMs).toBe(0)
  })
})

describe('a window', () => {
  it('may do everything where there is no PIN, and what is usual where there is one', async () => {
    const supervisor = open()
    const { role } = told(supervisor)
    role.answersFor(['wipe'])
    await supervisor.setPin('1111', undefined)
    role.answersFor([])
    expect(() => role.answersFor(['wipe'])).toThrow(expect.objectContaining({ code: 'supervisor-needed' }))
    expect(role.view).toEqual({ pin: true })
  })

  it('is unlocked by itself, and no other one with it', async () => {
    const supervisor = open()
    await supervisor.setPin('1111', undefined)
    const [one, other] = [told(supervisor), told(supervisor)]
    await expect(one.role.unlock('2222')).rejects.toMatchObject({ code: 'pin-wrong' })
    expect(() => one.role.answersFor(['wipe'])).toThrow()
    await one.role.unlock('1111')
    one.role.answersFor(['wipe'])
    expect(() => other.role.answersFor(['wipe'])).toThrow()
    expect(one.roles).toEqual([{ pin: true, unlockedUntil: new Date(AT + IDLE_MS).toISOString() }])
    expect(other.roles).toEqual([])
    one.role.lock()
    expect(() => one.role.answersFor(['wipe'])).toThrow()
    expect(one.roles.at(-1)).toEqual({ pin: true })
  })

  it('locks when nobody has touched it for a while, also when the computer slept over its timer', async () => {
    vi.useFakeTimers({ now: AT, toFake: ['setTimeout', 'clearTimeout'] })
    const supervisor = open()
    await supervisor.setPin('1111', undefined)
    const { role, roles } = told(supervisor)
    await role.unlock('1111')
    clock += IDLE_MS - 1
    role.touch()
    clock += IDLE_MS - 1
    role.answersFor(['wipe'])
    clock += 1
    expect(() => role.answersFor(['wipe'])).toThrow()
    role.touch()
    expect(role.view).toEqual({ pin: true })
    vi.advanceTimersByTime(IDLE_MS)
    expect(roles.at(-1)).toEqual({ pin: true })
  })

  it('locks when the PIN changes elsewhere, and not where it was changed', async () => {
    const supervisor = open()
    const [one, other] = [told(supervisor), told(supervisor)]
    await one.role.setPin('1111', undefined)
    await other.role.unlock('1111')
    await one.role.setPin('2222', '1111')
    one.role.answersFor(['wipe'])
    expect(() => other.role.answersFor(['wipe'])).toThrow()
    await supervisor.removePin('2222')
    expect([one.roles.at(-1), other.roles.at(-1)]).toEqual([{ pin: false }, { pin: false }])
  })
})

it('what happened is in the log, and the PIN is not', async () => {
  const supervisor = open()
  const { role } = told(supervisor)
  await role.setPin('korrekt', undefined)
  role.lock()
  await role.unlock('verkehrt').catch(() => {})
  await role.unlock('korrekt')
  const { lines } = log.read({ limit: 10 })
  expect(lines.map(({ event }) => event)).toEqual(
    ['pin-set', 'locked', 'refused', 'unlocked'].map((what) => ({ kind: 'supervisor', what })),
  )
})
