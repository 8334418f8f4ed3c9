import { describe, expect, it } from 'vitest'
import {
  ACK,
  BRISK,
  CONFIGURE,
  CONFIGURED,
  codeOf,
  errorOf,
  io,
  LOG,
  NAK,
  pieces,
  SOON,
  sectors,
  transcript,
} from '../../../../test/firehose-transcript.ts'
import { counting } from '../../../../test/scripted-transport.ts'
import { type FirehoseOptions, openFirehose } from './open.ts'

async function opened(lines: readonly string[], options: FirehoseOptions = {}) {
  const transport = transcript(...lines)
  const firehose = await openFirehose(transport, { deadlines: BRISK, ...options }, io())
  expect(transport.finished).toBe(true)
  return firehose.limits
}

describe('configure', () => {
  it('hears the programmer out before it speaks', async () => {
    const logs: string[] = []
    const limits = await opened(
      [
        LOG('Binary build date: Jan 1 2025'),
        LOG('Chip serial num: 439041101 (0x1a2b3c4d)'),
        CONFIGURE(),
        LOG('INFO: Calling handler for configure'),
        CONFIGURED(),
      ],
      { onLog: (line) => logs.push(line) },
    )
    expect(limits).toEqual({
      memory: 'ufs',
      payloadToTarget: 1048576,
      readOnly: false,
      targetName: 'SM8750',
    })
    expect(logs).toHaveLength(3)
  })

  it('takes the smaller payload that a refusal offers', async () => {
    const limits = await opened([
      CONFIGURE(),
      LOG('WARN: NAK: MaxPayloadSizeToTargetInBytes sent by host 1048576 larger than supported 16384'),
      '< <response value="NAK" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="16384" />',
      CONFIGURE('', 'ufs', 16384),
      '< <response value="ACK" MaxPayloadSizeToTargetInBytes="16384" MaxPayloadSizeToTargetInBytesSupported="16384" MemoryName="UFS" />',
    ])
    expect(limits.payloadToTarget).toBe(16384)
  })

  it.each([
    ['ERROR: Failed to open the SDCC Device slot 0 partition 0', 'emmc', 'ufs'],
    [
      'ERROR 14: Line 1285: HANDLE_CONFIGURE_FAILURE Failed to initialize (open whole lun) UFS Device slot 0',
      'ufs',
      'emmc',
    ],
    ['ERROR: Failed to set the IO options', 'emmc', 'nand'],
  ] as const)('learns the storage from %j', async (words, first, then) => {
    const limits = await opened(
      [
        CONFIGURE('', first),
        LOG(words),
        NAK,
        CONFIGURE('', then),
        `< <response value="ACK" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="1048576" />`,
      ],
      { memory: first },
    )
    expect(limits.memory).toBe(then)
  })

  it('calls itself a tool of ZTE only to a programmer that asks for it', async () => {
    await opened([
      CONFIGURE(),
      LOG('ERROR: Tool does not come from ZTE'),
      NAK,
      CONFIGURE(' Oem="ZTE"'),
      CONFIGURED(),
    ])
    await opened([CONFIGURE(' Oem="ZTE"'), CONFIGURED()], { oem: 'always' })
    const transport = transcript(CONFIGURE(), LOG('ERROR: Non-ZTE tool'), NAK)
    const refusal = await errorOf(openFirehose(transport, { oem: 'never', deadlines: BRISK }, io()))
    expect([refusal.code, refusal.message]).toEqual(['firehose-refused', 'ERROR: Non-ZTE tool'])
  })

  it('does not ask the same thing twice', async () => {
    const transport = transcript(
      CONFIGURE(),
      LOG('ERROR: Failed to initialize (open whole lun) UFS Device'),
      NAK,
      CONFIGURE('', 'emmc'),
      LOG('ERROR: Failed to open the SDCC Device'),
      NAK,
    )
    const refusal = await errorOf(openFirehose(transport, { deadlines: BRISK }, io()))
    expect([refusal.code, refusal.message]).toEqual([
      'firehose-refused',
      'ERROR: Failed to open the SDCC Device',
    ])
  })

  it.each(['ACK', 'NAK'])(
    'knows a loader that only reads (%s), and writes nothing with it',
    async (value) => {
      const transport = transcript(
        CONFIGURE(),
        `< <response value="${value}" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="0" MemoryName="eMMC" />`,
      )
      const firehose = await openFirehose(transport, { deadlines: BRISK }, io())
      expect(firehose.limits).toMatchObject({ readOnly: true, payloadToTarget: 0, memory: 'emmc' })
      const patch = {
        lun: 0,
        startSector: 1,
        sectorSize: 512,
        byteOffset: 0,
        sizeInBytes: 4,
        value: '0',
      } as const
      expect(await codeOf(firehose.program(sectors(0, 1), pieces(counting(512)), io()))).toBe(
        'loader-read-only',
      )
      expect(await codeOf(firehose.erase(sectors(0, 1), io()))).toBe('loader-read-only')
      expect(await codeOf(firehose.patch(patch, io()))).toBe('loader-read-only')
      expect(await codeOf(firehose.setBootableDrive(1, io()))).toBe('loader-read-only')
    },
  )

  it('says so when a loader wants what only its maker has', async () => {
    const login = transcript(
      CONFIGURE(),
      LOG('ERROR: Only nop and sig tag can be recevied before authentication.'),
      NAK,
    )
    expect(await codeOf(openFirehose(login, { deadlines: BRISK }, io()))).toBe('loader-needs-vendor')
    const vip = transcript(LOG('INFO: VIP is enabled, receiving the signed table of size 8192'))
    expect(await codeOf(openFirehose(vip, { deadlines: BRISK }, io()))).toBe('loader-needs-vendor')
  })

  it('says it again to a programmer that is not ready, and takes no late answer for another', async () => {
    const late = transcript(CONFIGURE(), CONFIGURE(), CONFIGURED(), CONFIGURED(), '> <nop />', ACK)
    const firehose = await openFirehose(late, { deadlines: { ...BRISK, configureTry: 50 } }, io())
    await firehose.nop(io())
    expect(late.finished).toBe(true)
  })

  it('gives up a programmer that never speaks', async () => {
    const mute = transcript(...Array.from({ length: 20 }, () => CONFIGURE()))
    expect(await codeOf(openFirehose(mute, { deadlines: SOON }, io()))).toBe('terminal-silent')
  })

  it('ends with the link', async () => {
    expect(await codeOf(openFirehose(transcript('gone'), { deadlines: BRISK }, io()))).toBe('terminal-gone')
    const after = transcript(CONFIGURE(), 'gone')
    expect(await codeOf(openFirehose(after, { deadlines: BRISK }, io()))).toBe('terminal-gone')
  })
})

describe('a programmer that runs already', () => {
  it('is relieved of what it still had to say', async () => {
    const limits = await opened(
      [LOG('INFO: old'), ACK, LOG('INFO: older'), '> <nop />', ACK, CONFIGURE(), CONFIGURED()],
      { attach: true },
    )
    expect(limits.readOnly).toBe(false)
  })

  it.each([
    ['waits for the rest of data', ['> <nop />'], 'terminal-silent'],
    ['sends the rest of data', ['< #4096'], 'terminal-garbled'],
    ['sends the rest of data late', ['> <nop />', '< #4096'], 'terminal-garbled'],
  ] as const)('asks for a power cycle when it %s', async (_name, lines, code) => {
    const error = await errorOf(openFirehose(transcript(...lines), { attach: true, deadlines: SOON }, io()))
    expect([error.code, error.retry]).toEqual([code, 'power-cycle'])
    expect(error.message).toMatch(/rest of data/)
  })
})
