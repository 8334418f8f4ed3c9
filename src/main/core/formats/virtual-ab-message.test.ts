import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { damaged, outcome } from '../../../../test/images.ts'
import { parseVirtualAbMessage, withMergeStatus } from './virtual-ab-message.ts'

/** As bootloader_message.h lays it out: version, magic, merge status, source slot. */
const STAGED = new Uint8Array(64)
STAGED.set([2, 0xb0, 0x0a, 0x74, 0x56, 2, 1])

describe('the virtual A/B message', () => {
  it('tells status and source slot', () => {
    expect(parseVirtualAbMessage(STAGED)).toEqual({ status: 'snapshotted', source: 'b' })
    expect(parseVirtualAbMessage(new Uint8Array(64))).toBeUndefined()
    const odd = STAGED.slice()
    odd[5] = 77
    expect(parseVirtualAbMessage(odd)).toEqual({ status: 'unknown', source: 'b' })
    expect(() => parseVirtualAbMessage(STAGED.subarray(0, 63))).toThrow('63 bytes')
  })

  it('changes its status and nothing else', () => {
    const changed = withMergeStatus(STAGED, 'cancelled')
    expect(parseVirtualAbMessage(changed)).toEqual({ status: 'cancelled', source: 'b' })
    changed[5] = 2
    expect(changed).toEqual(STAGED)
    expect(() => withMergeStatus(new Uint8Array(64), 'none')).toThrow(
      expect.objectContaining({ code: 'bootctl-invalid' }),
    )
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(STAGED), async (bytes) => {
        await outcome(() => parseVirtualAbMessage(bytes))
      }),
    )
  })
})
