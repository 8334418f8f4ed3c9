// One terminal through several modes that show different marks, and strangers that take its place on the way.
import { describe, expect, it } from 'vitest'
import { DOUBLE_BAY, type Marks, PortDouble } from '../../../test/port-double.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import type { LinkOptions, SeenTerminal } from '../core/identity/known-terminals.ts'
import { createDiscovery } from '../terminals/discovery.ts'
import { survey } from './survey.ts'

interface Noted {
  readonly seen: SeenTerminal
  readonly awaited: string | undefined
}

async function surveyed(before: Marks, after: Marks, broken = false) {
  const port = new PortDouble({ mode: 'system', speaks: true, ...before }, (mode) => ({
    ...{ mode, speaks: true },
    ...after,
  }))
  const noted: Noted[] = []
  const memory = {
    note: (seen: SeenTerminal, { awaited }: LinkOptions) => {
      if (broken) throw new SlotbenchError('host-io', 'the disk is full')
      noted.push({ seen, awaited })
      return { id: `as ${seen.mode}` }
    },
  }
  const discovery = createDiscovery([port])
  const readings = survey(
    {
      discovery,
      openSession: () => Promise.reject(new SlotbenchError('internal', 'nothing speaks fastboot')),
      openAdb: async () => port.session(),
      memory,
    },
    {
      bay: DOUBLE_BAY,
      signal: new AbortController().signal,
      patience: { reconnect: 1_000, hands: 1_000, departure: 100 },
      partitions: [],
      onWaiting: () => {},
      next: () => ['recovery'],
    },
  )
  const modes = await readings
    .then((all) => all.map(({ mode }) => mode))
    .catch((error: SlotbenchError) => error.code)
  await discovery.close()
  return { modes, noted }
}

describe('a terminal that is asked in two modes', () => {
  const before = { serial: 'S1', chipSerial: '1a2b3c4d', product: 'NX741J' }

  it.each([
    ['shows the same serial number', { serial: 's1', product: 'PQ85A01' }],
    ['shows only the chip’s', { chipSerial: '1a2b3c4d' }],
  ])('is the same when it %s', async (_, after) => {
    expect((await surveyed(before, after)).modes).toEqual(['system', 'recovery'])
  })

  it.each([
    ['was exchanged', { serial: 'S2', chipSerial: '99999999' }],
    ['was exchanged for one without a serial number', { chipSerial: '99999999' }],
    ['shows nothing that could prove it', { product: 'NX741J' }],
    ['has another chip', { serial: 'S1', chipSerial: '99999999' }],
  ])('is a stranger when it %s, and is not remembered', async (_, after) => {
    const { modes, noted } = await surveyed(before, after)
    expect(modes).toBe('terminal-stranger')
    expect(new Set(noted.map(({ seen }) => seen.mode))).toEqual(new Set(['system']))
  })

  it('is remembered in each mode, in the second as the one that was sent there', async () => {
    const { noted } = await surveyed(before, { chipSerial: '1a2b3c4d' })
    expect([noted[0], noted.at(-1)]).toMatchObject([
      { awaited: undefined, seen: { serial: 'S1', names: [{ value: 'NX741J', source: 'system' }] } },
      { awaited: 'as system', seen: { serial: undefined, chipSerial: '1a2b3c4d', mode: 'recovery' } },
    ])
  })

  it('is worked with also where it cannot be remembered', async () => {
    expect((await surveyed(before, { serial: 'S1' }, true)).modes).toEqual(['system', 'recovery'])
  })
})
