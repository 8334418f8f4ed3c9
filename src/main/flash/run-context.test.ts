// A job belongs to one terminal: what comes up on its bay is it, or nothing is done.
import { describe, expect, it } from 'vitest'
import { type Appearance, DOUBLE_BAY, PortDouble } from '../../../test/port-double.ts'
import { sampleJob } from '../../../test/sample-job.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { createDiscovery } from '../terminals/discovery.ts'
import { RunContext } from './run-context.ts'

const PLANNED: TerminalFacts = {
  ...{ mode: 'bootloader', bay: DOUBLE_BAY, slots: {}, partitions: {}, hasSlot: {}, variables: {} },
  product: { value: 'PQ83A01', source: 'getvar product' },
  chipSerial: { value: '1a2b3c4d', source: 'soc0' },
}
const NOT_USED = () => {
  throw new SlotbenchError('internal', 'opening a terminal needs none of this')
}

/** What the job says of a terminal that comes up in its system with these marks. */
async function opened(marks: Omit<Appearance, 'mode' | 'speaks'>): Promise<string> {
  const port = new PortDouble({ mode: 'system', speaks: true, ...marks }, NOT_USED)
  const terminal = { bay: DOUBLE_BAY, serial: 'S1', product: 'PQ83A01' }
  const discovery = createDiscovery([port])
  const context = new RunContext(
    {
      ...{ discovery, openSession: NOT_USED, openRom: NOT_USED, openFile: NOT_USED, now: () => new Date() },
      openAdb: async () => port.session(),
      journal: new Proxy({} as never, { get: NOT_USED }),
      workshop: new Proxy({} as never, { get: NOT_USED }),
      backups: new Proxy({} as never, { get: NOT_USED }),
      emit: () => {},
      patience: { reconnect: 500, hands: 500, departure: 50 },
    },
    sampleJob({ id: 'j1', terminal, plan: { facts: PLANNED } }),
    new AbortController().signal,
  )
  try {
    return (await context.reachAny()).facts.mode
  } catch (thrown) {
    return thrown instanceof SlotbenchError ? `${thrown.code}: ${thrown.message}` : String(thrown)
  } finally {
    await context.close()
    await discovery.close()
  }
}

describe('the terminal of a job', () => {
  it.each([
    ['by its serial number', { serial: 'S1', product: 'PQ83A01' }],
    ['by another of its names', { serial: 's1', product: 'NX769J' }],
    ['by its chip, when the mode hides the serial number', { chipSerial: '1A2B3C4D' }],
    [
      'by its chip, when the serial number was never set there',
      { serial: '0000000000', chipSerial: '1a2b3c4d' },
    ],
  ])('is recognised %s', async (_, marks) => {
    expect(await opened(marks)).toBe('system')
  })

  it.each([
    ['another terminal in its place', { serial: 'S2', chipSerial: '99999999' }, 'chip serial number'],
    ['another one of the same model', { serial: 'S2', product: 'PQ83A01' }, 'serial number is "S2"'],
    ['another chip under its serial number', { serial: 'S1', chipSerial: '99999999' }, 'chip serial number'],
    ['one that shows no mark', { product: 'PQ83A01' }, 'serial number is missing'],
    ['one without a serial number and with another chip', { chipSerial: '99999999' }, 'chip serial number'],
  ])('is never %s', async (_, marks, field) => {
    const said = await opened(marks)
    expect(said).toContain('terminal-stranger')
    expect(said).toContain(field)
  })
})
