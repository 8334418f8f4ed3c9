import { describe, expect, it } from 'vitest'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { TrustReason, TrustVerdict } from '../../../shared/trust.ts'
import { checkTrust } from './check-trust.ts'

const FACTS: TerminalFacts = {
  ...{ mode: 'bootloader', bay: 'usb:1-2', slots: {}, partitions: {}, hasSlot: {}, variables: {} },
}
const ROM: RomInfo = {
  ...{ kind: 'ota-zip', path: '/roms/full.zip', packageSize: 1, fingerprint: 'f', models: [], full: true },
  ...{ downgrade: false, requirements: [], dynamicGroups: [], images: [], notes: [] },
}
const NONE = { blockers: [], warnings: [] }

function verdict(verdict: TrustVerdict['verdict'], ...reasons: TrustReason[]): Pick<RomInfo, 'trust'> {
  return { trust: { verdict, summary: '', publishers: [], reasons } }
}

describe('trust in a plan', () => {
  it('blocks what is broken, with every reason', () => {
    const boot: TrustReason = {
      check: 'avb-hash',
      result: 'broken',
      partition: 'boot',
      text: 'boot is not it',
    }
    const held: TrustReason = { check: 'avb-hash', result: 'holds', partition: 'dtbo', text: 'dtbo is it' }
    const found = checkTrust(FACTS, { ...ROM, ...verdict('broken', held, boot) })
    expect(found.blockers).toMatchObject([{ code: 'package-broken', detail: 'boot is not it' }])
    expect(found.warnings).toEqual([])
  })

  it('says loudly what is switched off, and stops nobody for an unknown signer', () => {
    const off: TrustReason = { check: 'avb-flags', result: 'alarming', text: 'VERIFICATION IS SWITCHED OFF' }
    expect(checkTrust(FACTS, { ...ROM, ...verdict('intact', off) })).toMatchObject({
      blockers: [],
      warnings: [{ code: 'trust-alarming', detail: 'VERIFICATION IS SWITCHED OFF' }],
    })
    expect(checkTrust(FACTS, { ...ROM, ...verdict('intact') })).toEqual(NONE)
    expect(checkTrust(FACTS, ROM)).toEqual(NONE)
  })

  const installed = { avbKey: { value: 'a'.repeat(64), source: 'fetch vbmeta_a' } }
  const other = { ...ROM, avbKey: 'b'.repeat(64) }

  it('blocks verified boot by another key than the terminal runs, unless it is unlocked', () => {
    for (const unlocked of [undefined, { value: false, source: 'getvar unlocked' }]) {
      const found = checkTrust({ ...FACTS, ...installed, ...(unlocked && { unlocked }) }, other)
      expect(found).toMatchObject({ blockers: [{ code: 'avb-key-differs' }], warnings: [] })
      expect(found.blockers[0]?.detail).toContain('fetch vbmeta_a')
    }
    const unlocked = { unlocked: { value: true, source: 'getvar unlocked' } }
    expect(checkTrust({ ...FACTS, ...installed, ...unlocked }, other)).toMatchObject({
      ...{ blockers: [], warnings: [{ code: 'avb-key-differs' }] },
    })
  })

  it('has nothing to say where keys are the same, or one is not known', () => {
    expect(checkTrust({ ...FACTS, ...installed }, { ...ROM, avbKey: 'a'.repeat(64) })).toEqual(NONE)
    expect(checkTrust({ ...FACTS, ...installed }, ROM)).toEqual(NONE)
    expect(checkTrust(FACTS, other)).toEqual(NONE)
  })
})
