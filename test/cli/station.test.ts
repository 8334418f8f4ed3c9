// The station as it is started from a shell: it prints its address, serves the interface to whoever has it, and ends in order.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { Running } from './slotbench.ts'

it('the station prints an address, opens to it, and ends with Ctrl-C', async () => {
  await buildIfNeeded()
  const data = mkdtempSync(join(tmpdir(), 'slotbench-station-'))
  const running = new Running(['--json', '--data', data, 'station'])
  const [, address = ''] = await running.saw(/"station":"([^"]+)"/)
  const entered = await fetch(address, { redirect: 'manual' })
  expect(entered.status).toBe(303)
  const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
  const page = await fetch(new URL('/', address), { headers: { cookie } })
  expect(await page.text()).toContain('<div id="root">')
  running.kill('SIGINT')
  expect((await running.finished).code).toBe(0)
  rmSync(data, { recursive: true })
})
