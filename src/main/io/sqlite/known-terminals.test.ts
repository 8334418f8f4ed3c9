import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SeenTerminal } from '../../core/identity/known-terminals.ts'
import { openDatabase } from './database.ts'
import { KnownTerminals } from './known-terminals.ts'

let folder: string
let database: DatabaseSync
let terminals: KnownTerminals
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-known-'))
  database = openDatabase(join(folder, 'bench.sqlite'))
  terminals = new KnownTerminals(database)
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const AT = Date.parse('2026-01-01T10:00:00.000Z')
const seen = (seconds: number, more: Partial<SeenTerminal> = {}): SeenTerminal => ({
  bay: 'usb:1-2',
  mode: 'system',
  at: new Date(AT + seconds * 1000).toISOString(),
  ...more,
})
const names = [{ value: 'NX741J', source: 'ro.product.model' }]

it('follows one terminal through ADB, fastboot and EDL', () => {
  const { id } = terminals.note(seen(0, { serial: 'AB12', names }))
  expect(terminals.note(seen(30, { serial: 'ab12', mode: 'bootloader' })).id).toBe(id)
  const told = terminals.note(seen(60, { mode: 'edl', chipSerial: '1a2b3c4d' }), { awaited: id })
  expect(told.id).toBe(id)
  // Days later, on another bay, in EDL only.
  const again = terminals.note(seen(500_000, { mode: 'edl', chipSerial: '1A2B3C4D', bay: 'usb:3-1' }))
  expect(again).toMatchObject({
    id,
    link: { kind: 'known', by: 'chip-serial', terminal: { serial: 'AB12', names } },
  })
  expect(terminals.get(id ?? '')).toMatchObject({ bay: 'usb:3-1', mode: 'edl', chipSerial: '1a2b3c4d' })
})

it('survives the process, and makes one of two once both marks are seen together', () => {
  const { id: first } = terminals.note(seen(0, { chipSerial: '1a2b3c4d', mode: 'edl' }))
  const { id: second } = terminals.note(seen(9_000, { serial: 'AB12' }))
  expect(second).not.toBe(first)
  const other = openDatabase(join(folder, 'bench.sqlite'))
  const { id } = new KnownTerminals(other).note(seen(9_010, { serial: 'AB12', chipSerial: '1a2b3c4d' }))
  other.close()
  expect([first, second]).toContain(id)
  expect([first, second].filter((one) => terminals.get(one ?? '') !== undefined)).toEqual([id])
})

it('stores nothing for a conflict, and skips rows that cannot be read', () => {
  const { id } = terminals.note(seen(0, { serial: 'AB12', chipSerial: '11111111' }))
  expect(terminals.note(seen(5, { serial: 'AB12', chipSerial: '22222222' }))).toMatchObject({
    id: undefined,
    link: { kind: 'conflict' },
  })
  expect(terminals.get(id ?? '')?.lastSeen).toBe(seen(0).at)
  database.prepare("UPDATE known_terminals SET names = '{'").run()
  expect(terminals.get(id ?? '')).toBeUndefined()
  expect(terminals.note(seen(9, { serial: 'AB12' })).link.kind).toBe('new')
})
