// android-info.txt, fastboot-info.txt, OTA metadata and payload_properties.txt as makers write them, and as nobody should.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcome } from '../../../../test/images.ts'
import { parseAndroidInfo, productsOf } from './android-info.ts'
import { parseFastbootInfo } from './fastboot-info.ts'
import { parseOtaMetadata, parsePayloadProperties } from './ota-metadata.ts'

const text = (content: string) => new TextEncoder().encode(content)

describe('android-info.txt', () => {
  it('reads every form of a requirement', () => {
    const requirements = parseAndroidInfo(
      text(
        '# comment\r\n\r\nrequire product=NX679J|NX679S\nrequire board=pq82a01\nversion-bootloader = 1.2 | 1.3\n' +
          'require-for-product:NX679S version-baseband=x\nreject version-bootloader=0.9\nrequire partition-exists=product\n',
      ),
    )
    expect(requirements).toEqual([
      { variable: 'product', anyOf: ['NX679J', 'NX679S'], reject: false },
      { variable: 'board', anyOf: ['pq82a01'], reject: false },
      { variable: 'version-bootloader', anyOf: ['1.2', '1.3'], reject: false },
      { variable: 'version-baseband', anyOf: ['x'], reject: false, forProduct: 'NX679S' },
      { variable: 'version-bootloader', anyOf: ['0.9'], reject: true },
      { variable: 'partition-exists', anyOf: ['product'], reject: false },
    ])
    expect(productsOf(requirements)).toEqual(['NX679J', 'NX679S', 'pq82a01'])
  })

  it.each(['require product', 'what is this', 'require product=a||b', 'require product='])(
    'refuses %s',
    (line) => {
      expect(() => parseAndroidInfo(text(`require board=x\n${line}\n`))).toThrow(
        expect.objectContaining({ code: 'android-info-invalid', message: expect.stringContaining('line 2') }),
      )
    },
  )

  it('refuses what is not text', () => {
    expect(() => parseAndroidInfo(Uint8Array.of(0xff, 0xfe, 0))).toThrow(
      expect.objectContaining({ code: 'android-info-invalid' }),
    )
  })
})

describe('fastboot-info.txt', () => {
  it('reads the order of AOSP', () => {
    const info = parseFastbootInfo(
      text(
        '# from build\nversion 1\nflash boot\nflash --apply-vbmeta vbmeta\nflash --slot-other system system_other.img\n' +
          'reboot fastboot\nupdate-super\nflash system\nif-wipe erase userdata\nreboot\n',
      ),
    )
    const flash = { kind: 'flash', slotOther: false, applyVbmeta: false }
    expect(info.steps.map(({ task }) => task)).toEqual([
      { ...flash, partition: 'boot', file: 'boot.img' },
      { ...flash, partition: 'vbmeta', file: 'vbmeta.img', applyVbmeta: true },
      { ...flash, partition: 'system', file: 'system_other.img', slotOther: true },
      { kind: 'reboot', target: 'fastboot' },
      { kind: 'update-super' },
      { ...flash, partition: 'system', file: 'system.img' },
      { kind: 'erase', partition: 'userdata' },
      { kind: 'reboot', target: 'system' },
    ])
    expect(info.steps.map(({ onlyOnWipe }) => onlyOnWipe).indexOf(true)).toBe(6)
  })

  it.each([
    'flash boot',
    'version 2',
    'version 1\nformat userdata',
    'version 1\nflash',
    'version 1\nflash boot ../boot.img',
    'version 1\nflash boot a.img b.img',
    'version 1\nflash --disable-verity vbmeta',
    'version 1\nreboot moon',
    'version 1\nerase',
    '',
  ])('refuses %j', (content) => {
    expect(() => parseFastbootInfo(text(content))).toThrow(
      expect.objectContaining({ code: 'fastboot-info-invalid' }),
    )
  })
})

describe('OTA metadata', () => {
  it('reads what gates an update', () => {
    const metadata = parseOtaMetadata(
      text(
        'ota-downgrade=yes\nota-property-files=payload_metadata.bin:1066:69,payload.bin:1066:379000,metadata:69:379   \n' +
          'ota-type=AB\npost-build=nubia/NX679J:14\npost-security-patch-level=2026-10-01\npost-timestamp=1790000000\n' +
          'pre-device=NX679J,NX679S\n',
      ),
    )
    expect(metadata).toMatchObject({
      preDevices: ['NX679J', 'NX679S'],
      postBuild: 'nubia/NX679J:14',
      postTimestamp: 1790000000,
      securityPatch: '2026-10-01',
      otaType: 'AB',
      downgrade: true,
    })
    expect(metadata.propertyFiles).toContainEqual({ name: 'payload.bin', offset: 1066, size: 379000 })
  })

  it('reads digests in base64 and refuses what is none', () => {
    const hash = Buffer.alloc(32, 7).toString('base64')
    const properties = parsePayloadProperties(
      text(`FILE_HASH=${hash}\nFILE_SIZE=12\nMETADATA_HASH=${hash}\nMETADATA_SIZE=5\n`),
    )
    expect(properties).toEqual({
      fileSha256: '07'.repeat(32),
      fileSize: 12,
      metadataSha256: '07'.repeat(32),
      metadataSize: 5,
    })
    for (const bad of ['FILE_HASH=abc', 'FILE_SIZE=-1', `FILE_HASH=${hash}${hash}`])
      expect(() => parsePayloadProperties(text(bad))).toThrow(
        expect.objectContaining({ code: 'payload-invalid' }),
      )
  })
})

describe('any of them', () => {
  const words = fc.constantFrom(
    'require ',
    'product',
    '=',
    '|',
    'version 1',
    'flash ',
    '--slot-other ',
    '\n',
    ':',
    'x',
    '#',
  )
  const content = fc.oneof(
    fc.array(words).map((w) => text(w.join(''))),
    fc.uint8Array({ maxLength: 200 }),
  )
  const parsers = [parseAndroidInfo, parseFastbootInfo, parseOtaMetadata, parsePayloadProperties]
  it.each(parsers.map((parse) => [parse.name, parse] as const))(
    '%s gives a result or an error of ours',
    async (_, parse) => {
      await fc.assert(
        fc.asyncProperty(content, async (bytes) => void (await outcome<unknown>(() => parse(bytes)))),
      )
    },
  )
})
