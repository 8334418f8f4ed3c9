// A terminal that is told to go somewhere: it arrives, is only seen there, needs hands, or somebody else turns up.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Appearance, PortDouble } from '../../../test/port-double.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { openDatabase } from '../io/sqlite/database.ts'
import { KnownTerminals } from '../io/sqlite/known-terminals.ts'
import { createDiscovery } from '../terminals/discovery.ts'
import type { RebootTarget } from '../terminals/types.ts'
import type { Waiting } from './bay-sessions.ts'
import { goToMode } from './go-to-mode.ts'

let folder: string
let database: ReturnType<typeof openDatabase>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-go-'))
  database = openDatabase(join(folder, 'bench.sqlite'))
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const SYSTEM: Appearance = { mode: 'system', speaks: true, serial: 'S1', product: 'PQ83A01' }
const EDL: Appearance = { mode: 'edl', speaks: false, chipSerial: '1a2b3c4d' }

async function sent(port: PortDouble, to: RebootTarget, handsAct: (waiting: Waiting) => void = () => {}) {
  const discovery = createDiscovery([port])
  const known = new KnownTerminals(database)
  const waited: Waiting[] = []
  const [sighting] = discovery.sightings()
  if (sighting === undefined) throw new Error('the port is empty')
  const arrival = await goToMode(
    {
      ...{ discovery, memory: known },
      openSession: () => Promise.reject(new SlotbenchError('internal', 'nothing speaks fastboot')),
      openAdb: async () => port.session(),
    },
    sighting,
    to,
    {
      signal: new AbortController().signal,
      patience: { reconnect: 600, hands: 600, departure: 100 },
      onWaiting: (waiting) => {
        waited.push(waiting)
        handsAct(waiting)
      },
    },
  )
    .then(({ from, mode, facts }) => ({ from, mode, read: facts !== undefined }))
    .catch((error: SlotbenchError) => error.code)
  await discovery.close()
  return { arrival, waited, known }
}

const to = (appearance: Appearance) => () => appearance

describe('a terminal in its system', () => {
  it('arrives in recovery, and is read there', async () => {
    const port = new PortDouble(SYSTEM, to({ ...SYSTEM, mode: 'recovery' }))
    const { arrival, waited } = await sent(port, 'recovery')
    expect(arrival).toEqual({ from: 'system', mode: 'recovery', read: true })
    expect([port.restarts, waited]).toEqual([['recovery'], []])
  })

  it('restarts into the system when that is where it shall go', async () => {
    const port = new PortDouble(SYSTEM, to(SYSTEM))
    expect((await sent(port, 'system')).arrival).toEqual({ from: 'system', mode: 'system', read: true })
    expect(port.restarts).toEqual(['system'])
  })

  it('is seen in EDL, and is known there from then on by its chip', async () => {
    const { arrival, waited, known } = await sent(new PortDouble(SYSTEM, to(EDL)), 'edl')
    expect([arrival, waited]).toEqual([{ from: 'system', mode: 'edl', read: false }, []])
    const later = known.recall({
      bay: 'usb:3-4',
      mode: 'edl',
      chipSerial: '1A2B3C4D',
      at: '2030-01-01T00:00:00Z',
    })
    expect(later).toMatchObject({ kind: 'known', by: 'chip-serial', terminal: { serial: 'S1' } })
  })

  it('is seen running where it comes up without USB debugging', async () => {
    const port = new PortDouble({ ...SYSTEM, mode: 'recovery' }, to({ mode: 'system', speaks: false }))
    expect((await sent(port, 'system')).arrival).toEqual({ from: 'recovery', mode: 'system', read: false })
  })

  it('did not arrive when it comes back elsewhere and nobody helps', async () => {
    const port = new PortDouble(SYSTEM, to({ mode: 'charging', speaks: false }))
    const { arrival, waited } = await sent(port, 'bootloader')
    expect(arrival).toBe('mode-not-reached')
    expect(waited).toContainEqual(expect.objectContaining({ guide: 'bootloader' }))
  })

  it('is a stranger when another one comes back', async () => {
    const port = new PortDouble(SYSTEM, to({ ...SYSTEM, mode: 'recovery', serial: 'S2' }))
    expect((await sent(port, 'recovery')).arrival).toBe('terminal-stranger')
  })
})

describe('a terminal that software cannot lead away', () => {
  it.each([
    ['a crash dump', 'edl', 'leave-crashdump'],
    ['EDL', 'bootloader', 'leave-download'],
  ] as const)('is led out of %s by the guide, with a countdown', async (what, target, guide) => {
    const port = new PortDouble(what === 'EDL' ? EDL : { mode: 'crashdump', speaks: false }, to(EDL))
    const there: Appearance = target === 'edl' ? EDL : { ...SYSTEM, mode: 'bootloader' }
    const { arrival, waited } = await sent(port, target, () => setTimeout(() => port.becomes(there), 20))
    expect(arrival).toMatchObject({ mode: target })
    expect(waited[0]).toMatchObject({ reason: 'hands', guide, seconds: 1 })
    expect(port.restarts).toEqual([])
  })

  it('needs nothing when it is there already', async () => {
    const { arrival, waited } = await sent(new PortDouble(EDL, to(EDL)), 'edl')
    expect([arrival, waited]).toEqual([{ from: 'edl', mode: 'edl', read: false }, []])
  })
})
