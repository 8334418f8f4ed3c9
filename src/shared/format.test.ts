import { expect, it } from 'vitest'
import { formatBytes, formatDay, formatDuration, formatTime } from './format.ts'

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 KB'],
  [999_949, '999.9 KB'],
  [999_951, '1.0 MB'],
  [3_900_000_000, '3.9 GB'],
  [5e15, '5000.0 TB'],
])('%i bytes are %s', (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words)
})

it.each([
  [0.042, '42 ms'],
  [3.54, '3.5 s'],
  [59.4, '59 s'],
  [59.6, '1 min 0 s'],
  [75, '1 min 15 s'],
  [3_725, '1 h 2 min'],
])('%d seconds are %s', (seconds, words) => {
  expect(formatDuration(seconds)).toBe(words)
})

it('a day is shown of every time that a calendar has', () => {
  expect([0, 1_790_812_800, -86_400].map(formatDay)).toEqual(['1970-01-01', '2026-10-01', '1969-12-31'])
  expect([1e15, -1e15, Number.NaN].map(formatDay)).toEqual([undefined, undefined, undefined])
})

it('times are shown to the second, and what is no time stays', () => {
  expect(formatTime('2026-11-23T17:38:06.618Z')).toBe('2026-11-23 17:38:06 UTC')
  expect(formatTime('yesterday')).toBe('yesterday')
})
