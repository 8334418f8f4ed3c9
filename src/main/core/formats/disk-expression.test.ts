import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpressionError, parseDiskExpression, resolveExpression, resolveSector } from './disk-expression.ts'

const on = (text: string, sectors: number) => resolveExpression(parseDiskExpression(text), sectors)

describe('expressions of sectors', () => {
  it.each([
    ['6', 6],
    ['0x6000', 0x6000],
    ['NUM_DISK_SECTORS-5.', 995],
    ['NUM_DISK_SECTORS-1', 999],
    ['NUM_DISK_SECTORS', 1000],
    ['(4096*NUM_DISK_SECTORS)-20480.', 4096 * 1000 - 20480],
    ['0x10-10.', 6],
    [' 2 + 3 * (4 - 1) ', 11],
    ['NUM_DISK_SECTORS-NUM_DISK_SECTORS', 0],
  ])('%s', (text, value) => {
    expect(on(text, 1000)).toBe(value)
  })

  it.each([
    '',
    '.',
    '-5',
    '1..',
    '5 6',
    'NUM_DISK_SECTORS*NUM_DISK_SECTORS',
    'DISK',
    '(1',
    '1)',
    '0x',
    '1e5',
    '9007199254740992',
    `${'('.repeat(50)}1${')'.repeat(50)}`,
    '1'.repeat(300),
    '9007199254740991*9007199254740991',
    'constructor',
  ])('refuses %j', (text) => {
    expect(() => parseDiskExpression(text)).toThrow(ExpressionError)
  })

  it('a sector lies on its disk', () => {
    expect(resolveSector(parseDiskExpression('NUM_DISK_SECTORS-1.'), 8)).toBe(7)
    for (const text of ['8', 'NUM_DISK_SECTORS', 'NUM_DISK_SECTORS-9.'])
      expect(() => resolveSector(parseDiskExpression(text), 8)).toThrow(/does not lie on a disk of 8 sectors/)
  })

  it('any text is an expression or refused', () => {
    const pieces = fc.constantFrom(
      'NUM_DISK_SECTORS',
      '.',
      '-',
      '+',
      '*',
      '(',
      ')',
      ' ',
      '1',
      '0x1f',
      '4096',
      'x',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          try {
            const { fromDisk, plus } = parseDiskExpression(text)
            expect(Number.isSafeInteger(fromDisk) && Number.isSafeInteger(plus)).toBe(true)
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(ExpressionError)
          }
        },
      ),
    )
  })

  it('means what the same sum means in JavaScript', () => {
    const number = fc.integer({ min: 0, max: 10_000 })
    const term = fc.tuple(
      fc.constantFrom('+', '-'),
      fc.oneof(number.map(String), fc.constant('NUM_DISK_SECTORS')),
    )
    fc.assert(
      fc.property(number, fc.array(term, { maxLength: 6 }), number, (first, terms, disk) => {
        const text = `${first}${terms.map(([sign, value]) => `${sign}${value}`).join('')}.`
        const expected = terms.reduce(
          (sum, [sign, value]) =>
            sum + (sign === '+' ? 1 : -1) * (value === 'NUM_DISK_SECTORS' ? disk : Number(value)),
          first,
        )
        expect(on(text, disk)).toBe(expected)
      }),
    )
  })
})
