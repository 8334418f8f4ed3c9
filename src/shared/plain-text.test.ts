import { expect, it } from 'vitest'
import { plainText } from './plain-text.ts'

it('keeps text of every script, tabs and newlines', () => {
  expect(plainText('NX679J\t完整 ROM – Ωé\nمرحبا')).toBe('NX679J\t完整 ROM – Ωé\nمرحبا')
})

it('takes away what steers a terminal or turns the writing around', () => {
  expect(plainText('NX\u001b[31m679J\u009b2K\u0000\r')).toBe('NX[31m679J2K')
  expect(plainText('safe\u202egnp.exe\u2066')).toBe('safegnp.exe')
})
