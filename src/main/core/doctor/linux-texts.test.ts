import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PERSONALITIES } from '../identity/usb-personalities.ts'
import { parseUdevRecord, ruleState } from './udev-rule.ts'
import { fastestLink } from './usb-object-store.ts'

const RULE = readFileSync(join(import.meta.dirname, '../../../../resources/udev/51-slotbench.rules'), 'utf8')

describe('the rule that is shipped', () => {
  const lines = RULE.split('\n').filter((line) => line.startsWith('ATTR{idVendor}'))
  /** What the rule does to a device of these ids, as udev would: each line whose matches all hold. */
  function applied(id: string): string {
    const [vendor, product] = id.split(':')
    return lines
      .filter((line) => {
        const products = /ATTR\{idProduct\}=="([^"]*)"/.exec(line)?.[1]?.split('|')
        return line.includes(`ATTR{idVendor}=="${vendor}"`) && (products?.includes(product ?? '') ?? true)
      })
      .join('\n')
  }

  it.each(PERSONALITIES.flatMap((p) => p.usb.map((id) => [id, p] as const)))(
    'gives %s to the person at the screen',
    (id, p) => {
      expect(applied(id)).toContain('TAG+="uaccess"')
      const everyday = p.mode === 'modem' && !['zte-dfu', 'zte-factory'].includes(p.id)
      expect(applied(id).includes('ID_MM_DEVICE_IGNORE')).toBe(!everyday)
    },
  )

  it('gives nothing else away', () => {
    expect(applied('046d:c31c')).toBe('')
    expect(applied('18d1:5020')).toBe('')
  })
})

describe('ruleState', () => {
  it('the first folder that has the file decides', () => {
    const at = (path: string, text: string | undefined) => ({ path, text })
    expect(ruleState([at('/etc', undefined), at('/usr', RULE)], RULE)).toEqual({
      state: 'current',
      path: '/usr',
    })
    expect(ruleState([at('/etc', 'x'), at('/usr', RULE)], RULE)).toEqual({ state: 'outdated', path: '/etc' })
    expect(ruleState([at('/etc', ' \n# a\n')], RULE).state).toBe('masked')
    expect(ruleState([], RULE).state).toBe('missing')
    expect(ruleState([at('/etc', RULE.replaceAll('\n', '\r\n').replaceAll(', ', ','))], RULE).state).toBe(
      'current',
    )
  })
})

describe('parseUdevRecord', () => {
  it('reads properties and tags', () => {
    const text = 'S:x\nI:123\nE:ID_MM_DEVICE_IGNORE=1\nE:ID_MODEL=a=b\nG:uaccess\nQ:uaccess\nQ:seat\nV:1'
    expect(parseUdevRecord(text)).toEqual({
      properties: { ID_MM_DEVICE_IGNORE: '1', ID_MODEL: 'a=b' },
      tags: ['uaccess', 'seat'],
    })
  })

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => parseUdevRecord(text).tags.every((t) => t !== '')),
    )
  })
})

describe('fastestLink', () => {
  const header = [5, 15, 0, 0, 2]
  const superSpeed = [10, 16, 3, 0, 14, 0, 1, 10, 255, 7]
  it.each([
    [[...header, 7, 16, 2, 2, 0, 0, 0], undefined],
    [[...header, ...superSpeed], 5000],
    [[...header, ...superSpeed, 20, 16, 10, ...Array<number>(17).fill(0)], 10_000],
    [[...header, ...superSpeed.with(4, 6)], undefined],
    [[...header, ...superSpeed.slice(0, 6)], undefined],
    [[...header, 0, 16, 3, 0], undefined],
    [[0, 15, 0, 0, 2, 0], undefined],
    [[], undefined],
  ])('%j → %s', (bytes, speed) => expect(fastestLink(Uint8Array.from(bytes))).toBe(speed))

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        const speed = fastestLink(Uint8Array.from([...header, ...noise]))
        expect([undefined, 5000, 10_000]).toContain(speed)
      }),
    )
  })
})
