import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recognisedSchema } from '../../../shared/recognised.ts'
import { chipSerialOf } from './chip-serial.ts'
import { recogniseUsb, type UsbClasses, usbId } from './recognise-usb.ts'
import { PERSONALITIES } from './usb-personalities.ts'

const cls = (a: number, b: number, c: number): UsbClasses => ({
  interfaceClass: a,
  interfaceSubclass: b,
  interfaceProtocol: c,
})
const ADB = cls(0xff, 0x42, 0x01)
const FASTBOOT = cls(0xff, 0x42, 0x03)
const VENDOR = cls(0xff, 0xff, 0xff)
const MTP = cls(0x06, 0x01, 0x01)
const STORAGE = cls(0x08, 0x06, 0x50)
const RNDIS = cls(0xe0, 0x01, 0x03)

function see(id: string, interfaces: readonly UsbClasses[] | undefined) {
  const [vendorId, productId] = id.split(':').map((hex) => Number.parseInt(hex, 16))
  return recogniseUsb({ vendorId: vendorId ?? 0, productId: productId ?? 0, interfaces })
}

describe('by id, where the interfaces say nothing', () => {
  // zte-domain §2.1, row by row.
  it.each([
    ['05c6:9008', 'edl', 'qualcomm-edl'],
    ['3801:9008', 'edl', 'foreign-edl'],
    ['05c6:900e', 'crashdump', 'qualcomm-crashdump'],
    ['19d2:0112', 'crashdump', 'zte-memory-dump'],
    ['05c6:9006', 'crashdump', 'qualcomm-memory-debug'],
    ['05c6:9025', 'unknown', 'qualcomm-diag'],
    ['05c6:901d', 'unknown', 'qualcomm-diag'],
    ['05c6:90db', 'unknown', 'qualcomm-diag'],
    ['05c6:9091', 'unknown', 'qualcomm-diag'],
    ['05c6:9092', 'unknown', 'qualcomm-diag'],
    ['05c6:676c', 'unknown', 'qualcomm-diag'],
    ['19d2:0076', 'modem', 'zte-dfu'],
    ['19d2:0016', 'modem', 'zte-factory'],
    ['19d2:0500', 'unknown', 'zte-ftm'],
    ['19d2:0256', 'zxic', 'zxic-download'],
    ['19d2:1403', 'modem', 'zte-modem-rndis'],
    ['19d2:1402', 'modem', 'zte-modem-qmi'],
    ['19d2:1405', 'modem', 'zte-modem-network'],
    ['19d2:9994', 'modem', 'zte-modem-mbim'],
    ['19d2:2000', 'modem', 'zte-zerocd'],
    ['19d2:2004', 'modem', 'zte-zerocd'],
    ['19d2:0150', 'modem', 'zte-zerocd'],
    ['19d2:1353', 'system', 'blade-normal'],
    ['19d2:1355', 'system', 'blade-normal'],
    ['19d2:1275', 'modem', 'zte-p685m'],
    ['19d2:1432', 'modem', 'zte-mf286a'],
    ['19d2:1485', 'modem', 'zte-mf286d'],
    ['19d2:1489', 'modem', 'zte-mf286r'],
    ['1782:4d00', 'unisoc', 'unisoc-download'],
    ['1782:4001', 'system', 'unisoc-mtp'],
    ['1782:4012', 'system', 'unisoc-composite'],
    ['0e8d:0003', 'mediatek', 'mediatek-bootrom'],
    ['0e8d:2000', 'mediatek', 'mediatek-preloader'],
    ['0e8d:20ff', 'mediatek', 'mediatek-preloader'],
    ['0e8d:6000', 'mediatek', 'mediatek-preloader'],
  ])('%s is %s', (id, mode, personality) => {
    expect(see(id, [VENDOR])).toMatchObject({ mode, id: personality })
    expect(see(id, undefined)).toMatchObject({ mode, id: personality })
  })

  it('has each id once, and every row is what the schema says', () => {
    const ids = PERSONALITIES.flatMap((p) => p.usb)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(PERSONALITIES.map((p) => p.id)).size).toBe(PERSONALITIES.length)
    for (const { usb, promisesAdb: _, ...rest } of PERSONALITIES) {
      for (const id of usb) expect(id).toMatch(/^[0-9a-f]{4}:[0-9a-f]{4}$/)
      expect(recognisedSchema.strict().parse(rest)).toEqual(rest)
    }
  })
})

describe('by class first', () => {
  it.each(PERSONALITIES.flatMap((p) => p.usb))('%s with a fastboot interface is in its bootloader', (id) => {
    expect(see(id, [VENDOR, FASTBOOT])?.mode).toBe('bootloader')
    expect(see(id, [VENDOR, ADB])?.mode).toBe('system')
  })

  it('fastboot and ADB are never told by an id alone', () => {
    for (const id of ['18d1:d00d', '18d1:4ee0']) {
      expect(see(id, [])?.mode).toBe('unknown')
      expect(see(id, undefined)).toMatchObject({ mode: 'unknown', certainty: 'guess' })
    }
  })

  it('names the modem and the factory test mode that have ADB', () => {
    expect(see('19d2:1404', [RNDIS, ADB])).toMatchObject({ mode: 'system', name: 'ZTE modem with ADB' })
    expect(see('19d2:0500', [VENDOR, ADB])).toMatchObject({ mode: 'system', id: 'zte-ftm-adb' })
    expect(see('19d2:1404', [RNDIS])?.mode).toBe('modem')
  })

  it('says how to switch debugging on when the id promises ADB and the interfaces lack it', () => {
    const off = see('19d2:ffcf', [MTP])
    expect(off).toMatchObject({ mode: 'system', certainty: 'likely', way: { guide: 'system-adb' } })
    expect(off?.explanation).toContain('without its interface')
  })

  it('tells ZTE devices with unlisted ids by their classes', () => {
    expect(see('19d2:beef', [MTP])).toMatchObject({ mode: 'system', id: 'android-file-transfer' })
    expect(see('19d2:beef', [STORAGE])).toMatchObject({ mode: 'modem', id: 'zte-storage' })
    expect(see('19d2:beef', [RNDIS, VENDOR])).toMatchObject({ mode: 'modem', id: 'zte-modem' })
    expect(see('19d2:beef', [VENDOR])).toMatchObject({ mode: 'modem', id: 'zte-unlisted' })
  })

  it('leaves alone what is no terminal', () => {
    expect(see('046d:c31c', [cls(3, 1, 1)])).toBeUndefined()
    expect(see('046d:c31c', undefined)).toBeUndefined()
    expect(see('18d1:beef', [VENDOR])).toBeUndefined()
    expect(see('18d1:beef', undefined)).toMatchObject({ mode: 'unknown', id: 'unreadable' })
  })

  it('takes any numbers', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const word = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(word, word, fc.option(fc.array(fc.tuple(byte, byte, byte))), (v, p, classes) => {
        const interfaces = classes?.map(([a, b, c]) => cls(a, b, c))
        const seen = recogniseUsb({ vendorId: v, productId: p, interfaces })
        if (seen !== undefined) recognisedSchema.strict().parse(seen)
        expect(usbId({ vendorId: v, productId: p })).toMatch(/^[0-9a-f]{4}:[0-9a-f]{4}$/)
      }),
    )
  })
})

describe('chip serial', () => {
  it.each([
    ['QUSB_BULK_CID:0412_SN:1A2B3C4D', '1a2b3c4d'],
    ['QUSB_BULK_SN:DEADBEEF', 'deadbeef'],
    ['QUSB_BULK_CID:0001_SN:00000000', undefined],
    ['QUSB_BULK_CID:0001_SN:FFFFFFFF', undefined],
    ['QUSB_BULK_CID:0001_SN:123', undefined],
    ['QUSB_BULK_CID:0001_SN:123456789', undefined],
    ['QHSUSB__BULK', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j → %j', (product, serial) => expect(chipSerialOf(product)).toBe(serial))

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => /^([0-9a-f]{8}|undefined)$/.test(String(chipSerialOf(text)))),
    )
  })
})
