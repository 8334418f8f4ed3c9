import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { terminalFactsSchema } from '../../../shared/terminal.ts'
import { factsFromAdb } from './facts.ts'
import { parseBattery, parseChipSerial, parseFreeBytes, parseProperties } from './properties.ts'

const CONTEXT = { bay: 'usb:1-2', state: 'device', usbSerial: 'USBSERIAL', usbProduct: 'Android' }

/** Shaped as `getprop` prints a RedMagic 7 (values of public bug reports). */
const PHONE = `[dalvik.vm.heapsize]: [512m]\r
[gsm.version.baseband]: [MPSS.DE.2.0-00748,MPSS.DE.2.0-00748]\r
[persist.sys.multi]: [first line\r
second [line] of it\r
third]\r
[ro.board.platform]: [taro]\r
[ro.boot.flash.locked]: [1]\r
[ro.boot.slot_suffix]: [_b]\r
[ro.boot.vbmeta.device_state]: [locked]\r
[ro.boot.verifiedbootstate]: [green]\r
[ro.bootloader]: [unknown]\r
[ro.bootmode]: [unknown]\r
[ro.build.display.id]: [NX679J_NACommon_V2.19]\r
[ro.build.fingerprint]: [nubia/NX679J-EEA/NX679J:12/SKQ1.220123.001/20220506.012345:user/release-keys]\r
[ro.build.version.security_patch]: [2022-04-05]\r
[ro.product.board]: [taro]\r
[ro.product.device]: [NX679J]\r
[ro.product.model]: [NX679J]\r
[ro.product.name]: [NX679J-EEA]\r
[ro.product.vendor.device]: [PQ82P01]\r
[ro.serialno]: [NX679JABC123]\r
[sys.boot_completed]: [1]\r
`

const facts = (text: string, extra: object = {}, context = CONTEXT) =>
  factsFromAdb({ properties: parseProperties(text), ...extra }, context)

describe('properties', () => {
  it('reads values of several lines, brackets in them, and lines that end as Windows does', () => {
    const properties = parseProperties(PHONE)
    expect(properties.get('persist.sys.multi')).toBe('first line\nsecond [line] of it\nthird')
    expect(properties.get('ro.serialno')).toBe('NX679JABC123')
    expect(properties.size).toBe(20)
  })

  it('keeps memory and screens safe from absurd ones', () => {
    const text = `[ro.long]: [${'x'.repeat(3_000_000)}]\n[ro.odd]: [a\u001b[31mb]\n[ro.empty]: []\n[ro.x]: [1]\n[ro.x]: [2]\n[unended]: [x`
    const properties = parseProperties(text)
    expect(properties.get('ro.long')).toHaveLength(8192)
    expect(properties.get('ro.odd')).toBe('a[31mb')
    expect([properties.get('ro.empty'), properties.get('ro.x'), properties.get('unended')]).toEqual([
      '',
      '1',
      'x',
    ])
    const many = Array.from({ length: 20_000 }, (_, i) => `[p${i}]: [v]`).join('\n')
    expect(parseProperties(many).size).toBe(10_000)
  })
})

describe('what commands print', () => {
  it('reads the level of the battery by its scale, and its voltage', () => {
    const text = 'Current Battery Service state:\n  level: 42\n  scale: 50\n  voltage: 4123\n'
    expect(parseBattery(text)).toEqual({ percent: 84, millivolts: 4123 })
    expect(parseBattery('  level: 200\n  voltage: 0\n')).toEqual({
      percent: undefined,
      millivolts: undefined,
    })
    expect(parseBattery('  level: 5\n  scale: 0\n').percent).toBeUndefined()
  })

  it('reads the free space of /data, also where the device has a line of its own', () => {
    const head = 'Filesystem            1K-blocks     Used Available Use% Mounted on\n'
    expect(parseFreeBytes(`${head}/dev/block/dm-49       110000000 50000000  59000000  46% /data\n`)).toBe(
      59_000_000 * 1024,
    )
    expect(
      parseFreeBytes(`${head}/dev/block/mapper/a-long-name\n 110000000 50000000 59000000 46% /data\n`),
    ).toBe(59_000_000 * 1024)
    expect(parseFreeBytes("df: '/data': Permission denied\n")).toBeUndefined()
  })

  it('turns the serial number of the chip into what the EDL product string has', () => {
    expect(parseChipSerial('2882343476\n')).toBe('abcd1234')
    expect(parseChipSerial('0')).toBeUndefined()
    expect(parseChipSerial('99999999999')).toBeUndefined()
  })
})

describe('facts', () => {
  it('of a running phone, each with its source', () => {
    const found = facts(PHONE, { battery: '  level: 83\n  scale: 100\n', chipSerial: '2882343476' })
    expect(found).toMatchObject({
      mode: 'system',
      serial: { value: 'NX679JABC123', source: 'getprop ro.serialno' },
      product: { value: 'NX679J' },
      unlocked: { value: false, source: 'getprop ro.boot.flash.locked' },
      slotCount: { value: 2 },
      currentSlot: { value: 'b' },
      batteryPercent: { value: 83, source: 'dumpsys battery' },
      securityPatch: { value: '2022-04-05' },
      build: { value: 'NX679J_NACommon_V2.19' },
      bootCompleted: { value: true },
      chipSerial: { value: 'abcd1234' },
    })
    expect(found.names?.map(({ value }) => value)).toEqual(['NX679J', 'NX679J-EEA', 'PQ82P01'])
    expect(found.versionBootloader).toBeUndefined()
  })

  it.each([
    ['device', 'system'],
    ['recovery', 'recovery'],
    ['sideload', 'sideload'],
    ['rescue', 'rescue'],
    ['host', 'unknown'],
  ])('a connection that calls itself %s is in %s mode', (state, mode) => {
    expect(facts('', {}, { ...CONTEXT, state }).mode).toBe(mode)
  })

  it('tells charging from running, and an unlocked bootloader by whatever says so', () => {
    expect(facts('[ro.bootmode]: [charger]\n').mode).toBe('charging')
    expect(facts('[ro.boot.verifiedbootstate]: [orange]\n').unlocked?.value).toBe(true)
    expect(facts('[ro.boot.vbmeta.device_state]: [unlocked]\n').unlocked?.value).toBe(true)
    expect(facts('[ro.boot.verifiedbootstate]: [purple]\n').unlocked).toBeUndefined()
    const digest = 'AB'.repeat(32)
    const named = (text: string) => facts(`[ro.boot.vbmeta.public_key_digest]: [${text}]\n`).avbKey
    expect(named(digest)?.value).toBe(digest.toLowerCase())
    expect(named('none')).toBeUndefined()
    expect(facts('[ro.build.ab_update]: [false]\n').slotCount?.value).toBe(1)
  })

  it('of a terminal without properties is what the link tells', () => {
    const found = facts('')
    expect(found.serial).toEqual({ value: 'USBSERIAL', source: 'USB descriptor' })
    expect([found.bootCompleted, found.product, found.names, found.slotCount]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(facts('[ro.serialno]: [unknown]\n[sys.usb.config]: [adb]\n').bootCompleted?.value).toBe(false)
  })

  it('are facts whatever is printed', () => {
    const noise = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '[ro.serialno]: [',
        ']\n',
        '[ro.boot.slot_suffix]: [_c]\n',
        '  level: -1\n',
        '[__proto__]: [x]\n',
      ),
    )
    fc.assert(
      fc.property(fc.array(noise, { maxLength: 8 }), noise, (pieces, other) => {
        const extra = { battery: other, dataSpace: other, chipSerial: other }
        const found = facts(pieces.join(''), extra)
        expect(() => terminalFactsSchema.parse(found)).not.toThrow()
      }),
    )
  })
})
