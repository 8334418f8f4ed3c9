import { expect, it } from 'vitest'
import { sameTerminal } from './identity.ts'

const expected = { bay: 'usb:1-2', serial: 'S1', product: 'NX679J' }
const fact = (value: string) => ({ value, source: 'getvar' })

it('knows the same terminal from its facts and from a sighting', () => {
  expect(
    sameTerminal(expected, { bay: 'usb:1-2', serial: fact('s1'), product: fact('NX679J') }),
  ).toBeUndefined()
  expect(sameTerminal(expected, { bay: 'usb:1-2', serial: 'S1', product: undefined })).toBeUndefined()
  expect(sameTerminal({ bay: 'usb:1-2' }, { bay: 'usb:1-2', serial: 'anything' })).toBeUndefined()
})

it.each([
  [{ bay: 'usb:1-3', serial: 'S1' }, /bay/],
  [{ bay: 'usb:1-2', serial: 'S2' }, /serial number is "S2" instead of "S1"/],
  [{ bay: 'usb:1-2', serial: undefined }, /serial number is missing/],
  [{ bay: 'usb:1-2', serial: fact('') }, /serial number is missing/],
  [{ bay: 'usb:1-2', serial: 'S1', product: fact('NX769J') }, /product is "NX769J"/],
])('names what differs in %j', (found, words) => {
  const error = sameTerminal(expected, found)
  expect(error?.code).toBe('terminal-stranger')
  expect(error?.message).toMatch(words)
})

const chipped = { ...expected, chipSerial: '1a2b3c4d' }

it.each([
  ['the chip’s serial number', { chipSerial: fact('1A2B3C4D') }],
  [
    'the chip’s, beside a serial number that was never set',
    { serial: fact('0123456789ABCDEF'), chipSerial: '1a2b3c4d' },
  ],
  ['its serial number, where the mode does not tell the chip’s', { serial: 'S1' }],
])('takes %s as proof', (_, found) => {
  expect(sameTerminal(chipped, { bay: 'usb:1-2', ...found })).toBeUndefined()
})

it('knows a serial number that is the chip’s own', () => {
  const own = { bay: 'usb:1-2', serial: '1a2b3c4d' }
  expect(sameTerminal(own, { bay: 'usb:1-2', chipSerial: '1A2B3C4D' })).toBeUndefined()
})

it.each([
  [
    'another chip',
    { chipSerial: fact('99999999') },
    /chip serial number is "99999999" instead of "1a2b3c4d"/,
  ],
  [
    'another chip under the same serial number',
    { serial: 'S1', chipSerial: '99999999' },
    /chip serial number/,
  ],
  ['another serial number, whatever its chip', { serial: 'S2', chipSerial: '1a2b3c4d' }, /is "S2" instead/],
  ['no mark at all', {}, /serial number is missing/],
  ['a serial number that was never set, and no chip', { serial: '00000000' }, /"00000000" instead/],
  ['another port', { bay: 'usb:1-3', chipSerial: '1a2b3c4d' }, /bay/],
])('takes %s for a stranger', (_, found, words) => {
  const error = sameTerminal(chipped, { bay: 'usb:1-2', ...found })
  expect(error?.code).toBe('terminal-stranger')
  expect(error?.message).toMatch(words)
})
