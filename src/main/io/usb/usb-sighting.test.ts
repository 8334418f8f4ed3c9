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
    protocol: undefined,
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
