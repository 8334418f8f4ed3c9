import { expect, it } from 'vitest'
import { UsbDeviceDouble } from '../../../../test/usb-double.ts'
import { sightingOf } from './usb-sighting.ts'

const owner = { isStale: () => false, onGone: () => {} }

class EdlDouble extends UsbDeviceDouble {
  override get productName(): string {
    return 'QUSB_BULK_CID:0412_SN:1A2B3C4D'
  }
}

it('names what it sees, and reads the chip serial of a terminal in EDL', () => {
  const device = new EdlDouble({ vendorId: 0x05c6, productId: 0x9008, interfaces: [[0xff, 0xff, 0x10]] })
  expect(sightingOf(device, owner)).toMatchObject({
    mode: 'edl',
    protocol: 'edl',
    chipSerial: '1a2b3c4d',
    personality: { id: 'qualcomm-edl', certainty: 'certain' },
  })
})

it('a running system without USB debugging is seen, speaks nothing, and has a way', () => {
  const device = new UsbDeviceDouble({ vendorId: 0x19d2, productId: 0xffcf, interfaces: [[6, 1, 1]] })
  const sighting = sightingOf(device, owner)
  expect(sighting).toMatchObject({
    mode: 'system',
    protocol: undefined,
    personality: { way: { guide: 'system-adb' } },
  })
  expect(sighting).not.toHaveProperty('chipSerial')
})

it.each([
  [0x05c6, 0x9008, [0xff, 0xff, 0xff], 'edl'],
  [0x05c6, 0x9008, [0xff, 0xff, 0x13], 'edl'],
  [0x3801, 0x9008, [0xff, 0xff, 0xff], 'edl'],
  [0x19d2, 0x0076, [0xff, 0xff, 0xff], 'edl'],
  [0x05c6, 0x9008, [0xff, 0x00, 0xff], undefined],
  [0x05c6, 0x900e, [0xff, 0xff, 0xff], undefined],
  [0x19d2, 0x0112, [0xff, 0xff, 0xff], undefined],
  [0x19d2, 0x0016, [0xff, 0xff, 0xff], undefined],
] as const)('%i:%i %j speaks %s: ids and class together', (vendorId, productId, triple, protocol) => {
  const device = new UsbDeviceDouble({ vendorId, productId, interfaces: [triple] })
  expect(sightingOf(device, owner)?.protocol).toBe(protocol)
})
