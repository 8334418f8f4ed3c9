import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KnownTerminal, knownTerminalSchema } from '../../../shared/known-terminal.ts'
import { type Link, link, type SeenTerminal } from './known-terminals.ts'

const AT = '2026-01-01T10:00:00.000Z'
const later = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString()
const name = (value: string) => ({ value, source: 'ro.product.model' })

const phone = (more: Partial<KnownTerminal> = {}): KnownTerminal => ({
  id: 'k1',
  serial: 'AB12CD34',
  bay: 'usb:1-2',
  names: [name('NX679J')],
  mode: 'system',
  firstSeen: AT,
  lastSeen: AT,
  ...more,
})
const unmarked = (more: Partial<KnownTerminal> = {}): KnownTerminal => {
  const { serial: _, ...rest } = phone(more)
  return rest
}
const seen = (more: Partial<SeenTerminal> = {}): SeenTerminal => ({
  bay: 'usb:1-2',
  mode: 'edl',
  at: later(20),
  ...more,
})
const known = (result: Link) => {
  if (result.kind !== 'known') throw new Error(`${result.kind}: ${result.why}`)
  return result
}

describe('by a serial number', () => {
  it('wins over the bay', () => {
    const neighbour = phone({ id: 'k2', serial: 'OTHER', bay: 'usb:1-3' })
    const found = known(
      link([phone(), neighbour], seen({ bay: 'usb:1-3', serial: 'ab12cd34', mode: 'bootloader' })),
    )
    expect(found).toMatchObject({ by: 'serial', caution: undefined, terminal: { id: 'k1', bay: 'usb:1-3' } })
    expect(found.why).toContain('moved from usb:1-2 to usb:1-3')
  })

  it('adds names and the chip serial to what is known', () => {
    const { terminal } = known(
      link([phone()], seen({ serial: 'AB12CD34', chipSerial: '1a2b3c4d', names: [name('PQ1')] })),
    )
    expect(terminal).toMatchObject({
      chipSerial: '1a2b3c4d',
      mode: 'edl',
      lastSeen: later(20),
      firstSeen: AT,
    })
    expect(terminal.names).toEqual([name('NX679J'), name('PQ1')])
  })

  it('a stranger on the bay is a new terminal, and the reason names both', () => {
    const result = link([phone()], seen({ serial: 'STRANGER', mode: 'bootloader' }))
    expect(result).toMatchObject({ kind: 'new', terminal: { serial: 'STRANGER' } })
    expect(result.why).toContain('the serial number is STRANGER instead of AB12CD34')
  })

  it('the same number with another chip is a conflict', () => {
    const result = link(
      [phone({ chipSerial: '11111111' })],
      seen({ serial: 'AB12CD34', chipSerial: '22222222' }),
    )
    expect(result).toMatchObject({ kind: 'conflict', candidates: [{ id: 'k1' }] })
  })

  it.each(['0123456789ABCDEF', '00000000', 'unknown', ' ', '????'])('%j is no serial number', (serial) => {
    const result = link([phone({ serial })], seen({ serial, bay: 'usb:4-1' }))
    expect(result.kind).toBe('new')
    expect(result.kind === 'new' && result.terminal.serial).toBeFalsy()
  })
})

describe('by the chip’s serial number', () => {
  it('finds a terminal in EDL on another bay', () => {
    const found = known(
      link([phone({ chipSerial: '1a2b3c4d' })], seen({ bay: 'usb:9-9', chipSerial: '1A2B3C4D' })),
    )
    expect(found).toMatchObject({ by: 'chip-serial', terminal: { serial: 'AB12CD34', bay: 'usb:9-9' } })
  })

  it('is the serial number itself on many Qualcomm terminals', () => {
    const found = known(link([phone()], seen({ chipSerial: 'ab12cd34' })))
    expect(found).toMatchObject({ by: 'chip-serial', terminal: { id: 'k1', chipSerial: 'ab12cd34' } })
  })

  it('unites what was known under two marks, once one mode shows both', () => {
    const chip = unmarked({ id: 'k2', chipSerial: '1a2b3c4d', bay: 'usb:5-1', mode: 'edl', names: [] })
    const both = seen({ serial: 'AB12CD34', chipSerial: '1a2b3c4d', mode: 'system' })
    expect(known(link([phone(), chip], both))).toMatchObject({ terminal: { id: 'k1' }, absorbs: ['k2'] })
  })

  it('does not unite what differs', () => {
    const chip = phone({ id: 'k2', serial: 'OTHER', chipSerial: '1a2b3c4d' })
    const both = seen({ serial: 'AB12CD34', chipSerial: '1a2b3c4d' })
    expect(link([phone(), chip], both)).toMatchObject({
      kind: 'conflict',
      candidates: [{ id: 'k1' }, { id: 'k2' }],
    })
  })
})

describe('by the bay', () => {
  it('takes over nothing, and warns', () => {
    const found = known(link([phone()], seen({ chipSerial: '1a2b3c4d' })))
    expect(found).toMatchObject({ by: 'bay', terminal: { id: 'k1', mode: 'edl' } })
    expect(found.caution).toContain('proves nothing')
    expect(found.terminal.chipSerial).toBeUndefined()
  })

  it('takes over the chip serial of a terminal that was told to go to EDL', () => {
    const found = known(link([phone()], seen({ chipSerial: '1a2b3c4d' }), { awaited: 'k1' }))
    expect(found).toMatchObject({ by: 'bay', caution: undefined, terminal: { chipSerial: '1a2b3c4d' } })
  })

  it('stays cautious about an awaited terminal that shows no mark at all', () => {
    expect(known(link([phone()], seen(), { awaited: 'k1' })).caution).toBeDefined()
  })

  it.each([
    ['too late', seen({ at: later(600) }), phone()],
    ['before it left', seen({ at: later(-5) }), phone()],
    ['another bay', seen({ bay: 'usb:1-3' }), phone()],
    ['another chip', seen({ chipSerial: '22222222' }), phone({ chipSerial: '11111111' })],
    ['another product', seen({ names: [name('NX769J')] }), phone()],
  ])('not when it is %s', (_why, who, before) => {
    expect(link([before], who).kind).toBe('new')
  })

  it('two that were there a moment ago are a conflict', () => {
    const result = link([unmarked(), unmarked({ id: 'k2' })], seen())
    expect(result).toMatchObject({ kind: 'conflict' })
  })
})

describe('whatever is known and seen', () => {
  const mark = fc.option(fc.constantFrom('aaaaaaaa', 'bbbbbbbb', 'AAAAAAAA', '0000', ''), { nil: undefined })
  const model = fc.constantFrom('NX741J', 'PQ85A01', 'NX769J', 'taro')
  const when = fc.integer({ min: -300, max: 900 }).map(later)
  const terminal = fc
    .record({ serial: mark, chip: mark, bay: fc.constantFrom('usb:1-1', 'usb:1-2'), model, at: when })
    .map(({ serial, chip, bay, model, at }) => ({ serial, chipSerial: chip, bay, names: [name(model)], at }))

  it('never links different serial numbers, and gives back what can be stored', () => {
    fc.assert(
      fc.property(fc.array(terminal, { maxLength: 4 }), terminal, (list, now) => {
        const records = list.map(({ at, serial, chipSerial, ...t }, i) => ({
          ...t,
          ...(serial !== undefined && { serial }),
          ...(chipSerial !== undefined && { chipSerial }),
          id: `k${i}`,
          mode: 'system' as const,
          firstSeen: at,
          lastSeen: at,
        }))
        const result = link(records, { ...now, mode: 'edl' })
        if (result.kind === 'conflict') return
        const stored = result.kind === 'known' ? result.terminal : { ...result.terminal, id: 'new' }
        knownTerminalSchema.strict().parse(stored)
        if (result.kind === 'known' && /[ab]{8}/i.test(now.serial ?? '') && result.caution === undefined)
          expect(stored.serial?.toLowerCase()).toBe(now.serial?.toLowerCase())
      }),
    )
  })
})
