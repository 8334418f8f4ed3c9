// What a bench that has seen a terminal says of it where the terminal itself says less.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { knownIdentitySchema } from '../../shared/contract.ts'
import type { BayId } from '../../shared/units.ts'
import type { SeenTerminal } from '../core/identity/known-terminals.ts'
import { openDatabase } from '../io/sqlite/database.ts'
import { KnownTerminals } from '../io/sqlite/known-terminals.ts'
import type { Sighting } from '../terminals/types.ts'
import { knownIdentity, knownWords } from './known-identity.ts'

let folder: string
let database: ReturnType<typeof openDatabase>
let known: KnownTerminals
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-identity-'))
  database = openDatabase(join(folder, 'bench.sqlite'))
  known = new KnownTerminals(database)
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const AT = Date.parse('2026-01-01T10:00:00Z')
const later = (seconds: number) => new Date(AT + seconds * 1000)
const name = (value: string) => ({ value, source: 'getprop' })

function opened(more: Partial<SeenTerminal> = {}): void {
  const names = [name('PQ83A01'), name('NX769J'), name('RedMagic 9 Pro')]
  known.note({ bay: 'usb:1-2', mode: 'system', serial: 'S1', names, at: later(0).toISOString(), ...more })
}

const sighting = (more: Partial<Sighting> = {}): Sighting => ({
  bay: 'usb:1-2' as BayId,
  mode: 'edl',
  protocol: undefined,
  serial: undefined,
  product: 'QUSB_BULK_CID:0412_SN:1A2B3C4D',
  usb: undefined,
  problem: undefined,
  open: () => Promise.reject(new Error('nothing is opened')),
  ...more,
})

describe('a sighting without a serial number', () => {
  it.each(['edl', 'crashdump', 'bootloader'] as const)(
    'in %s is known by its bay for a while, with caution',
    (mode) => {
      opened()
      const found = knownIdentity(known, sighting({ mode }), later(30))
      expect(knownIdentitySchema.parse(found)).toMatchObject({
        names: ['PQ83A01', 'NX769J'],
        serial: 'S1',
        why: expect.stringContaining('usb:1-2'),
        caution: expect.stringContaining('proves nothing'),
      })
      expect(found && knownWords(found)).toBe('PQ83A01 (NX769J), serial S1')
      expect(knownIdentity(known, sighting({ mode }), later(3_600))).toBeUndefined()
    },
  )

  it('is known by its chip wherever and whenever it turns up, without caution', () => {
    opened({ chipSerial: '1a2b3c4d' })
    const elsewhere = sighting({ bay: 'usb:7-1' as BayId, chipSerial: '1a2b3c4d' })
    const found = knownIdentity(known, elsewhere, later(900_000))
    expect(found).toMatchObject({ serial: 'S1', chipSerial: '1a2b3c4d' })
    expect(found).not.toHaveProperty('caution')
  })

  it('is nobody when it has another chip, or is seen where several were', () => {
    opened({ chipSerial: '1a2b3c4d' })
    expect(knownIdentity(known, sighting({ chipSerial: '99999999' }), later(5))).toBeUndefined()
    opened({ serial: 'S2', at: later(1).toISOString() })
    expect(knownIdentity(known, sighting(), later(5))).toBeUndefined()
    expect(known.recall({ bay: 'usb:1-2', mode: 'edl', at: later(5).toISOString() }).kind).toBe('conflict')
  })
})

it('looking stores nothing', () => {
  opened()
  const before = known.candidates({ bay: 'usb:1-2' })
  knownIdentity(known, sighting({ chipSerial: '1a2b3c4d' }), later(30))
  expect(known.candidates({ bay: 'usb:1-2' })).toEqual(before)
})

it('a terminal that never gave a name has its mark', () => {
  expect(knownWords({ names: [], chipSerial: '1a2b3c4d', why: 'so' })).toBe(
    'a terminal without a name, chip serial 1a2b3c4d',
  )
})
