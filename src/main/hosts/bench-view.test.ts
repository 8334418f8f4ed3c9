import { describe, expect, it } from 'vitest'
import { benchViewSchema } from '../../shared/contract.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Recognised } from '../../shared/recognised.ts'
import type { BayId } from '../../shared/units.ts'
import type { Sighting } from '../terminals/types.ts'
import { benchView } from './bench-view.ts'

const sighting = (bay: string, more: Partial<Sighting> = {}): Sighting => ({
  bay: bay as BayId,
  mode: 'bootloader',
  protocol: 'fastboot',
  serial: undefined,
  product: undefined,
  usb: undefined,
  problem: undefined,
  open: () => Promise.reject(new Error('a view opens nothing')),
  ...more,
})

describe('the view of the bench', () => {
  it('shows what is known, leaves out what is not, and survives the wire', () => {
    const usb = { vendorId: 0x18d1, productId: 0xd00d, address: 7, speed: 'high' }
    const problem = new SlotbenchError('usb-permission', 'cannot open /dev/bus/usb/001/007')
    const view = benchView({
      sightings: () => [sighting('usb:1-2', { serial: 'NX1', product: 'NX679J', usb, problem })],
      notices: [new SlotbenchError('usb-unavailable', 'no bus')],
    })
    expect(view.bays[0]).toEqual({
      bay: 'usb:1-2',
      mode: 'bootloader',
      protocol: 'fastboot',
      serial: 'NX1',
      product: 'NX679J',
      link: { vendorId: 0x18d1, productId: 0xd00d, speed: 'high' },
      problem: expect.objectContaining({ code: 'usb-permission', next: problem.next }),
    })
    expect(view.notices[0]?.meaning).toMatch(/no USB/)
    expect(benchViewSchema.parse(JSON.parse(JSON.stringify(view)))).toEqual(view)
  })

  it('orders bays by port number, not by arrival', () => {
    const sightings = () => ['usb:1-10', 'tcp:phone:5554', 'usb:1-2'].map((bay) => sighting(bay))
    const { bays } = benchView({ sightings, notices: [] })
    expect(bays.map(({ bay }) => bay)).toEqual(['tcp:phone:5554', 'usb:1-2', 'usb:1-10'])
    expect(bays[0]).toEqual({ bay: 'tcp:phone:5554', mode: 'bootloader', protocol: 'fastboot' })
  })

  it('says what a thing was recognised as, and which terminal it is', () => {
    const crashed: Recognised = {
      id: 'qualcomm-crash',
      ...{ mode: 'crashdump', name: 'Crash dump', explanation: 'It crashed early.', certainty: 'certain' },
    }
    const here = sighting('usb:1-2', { mode: 'crashdump', protocol: undefined, personality: crashed })
    const known = { names: ['PQ83A01'], serial: 'S1', why: 'it has the chip serial number 1a2b3c4d' }
    const view = benchView({ sightings: () => [here], notices: [] }, (s) => (s === here ? known : undefined))
    expect(view.bays).toEqual([
      {
        ...{ bay: 'usb:1-2', mode: 'crashdump', known },
        personality: { name: 'Crash dump', explanation: 'It crashed early.' },
      },
    ])
    expect(benchViewSchema.parse(JSON.parse(JSON.stringify(view)))).toEqual(view)
  })
})
