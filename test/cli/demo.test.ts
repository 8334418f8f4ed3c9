// The one line that a newcomer types.
import { existsSync, readFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { CliPlace, lines, plain } from './slotbench.ts'

const place = new CliPlace()
afterAll(() => place.close())

it('the demo flashes a simulated terminal, twice, and leaves a report', async () => {
  const data = place.newData()
  const first = await place.run(data, 'demo')
  expect(first.code, plain(first)).toBe(0)
  expect(plain(first)).toContain('Every image matches its digest.')
  expect(first.stdout).toContain('Done: the terminal was seen booting the new build.')
  expect(first.stderr).toContain('See slot b boot  (boot-completed)')
  const [, page = ''] = /^Report: (.+)$/m.exec(first.stdout) ?? []
  expect(existsSync(page), page).toBe(true)
  expect(readFileSync(page, 'utf8')).toContain('Success: the new build was seen booting')
  // Nothing comes after the report: no rejection that nobody handled, no trace.
  expect(first.stdout.trimEnd().split('\n').at(-1)).toMatch(/^Report: /)
  expect(first.stderr).not.toMatch(/Unhandled|TransferFailure|Warning|Error:/)

  const again = await place.run(data, 'demo', '--json')
  expect(again).toMatchObject({ code: 0, stderr: '' })
  expect(lines(again).at(-1)).toMatchObject({ state: 'done' })
}, 120_000)
