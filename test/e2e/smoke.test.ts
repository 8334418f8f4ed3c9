import { it } from 'vitest'
import { BrowserBench } from './bench-in-browser.ts'

it('looks', async (test) => {
  const b = await BrowserBench.open(test)
  try {
    for (let port = 1; port <= 5; port++)
      await b.bench.plug({
        serial: `NX679J00${port}`,
        port,
        model: port % 2 === 0 ? 'unisoc-ab' : 'nx679j',
        link: { bytesPerSecond: 300_000, speed: port === 3 ? 'full' : 'high' },
      })
    await b.bench.plug({ serial: 'LOCKED01', port: 7, unlocked: false, startIn: 'system' })
    const rom = await b.bench.rom()
    const id = await b.bench.engine.library.add(rom)
    await b.enter()
    await b.page.waitForTimeout(1500)
    await b.shoot('smoke-wall')
    await b.go('session')
    await b.page.waitForTimeout(300)
    await b.page.locator('select').first().selectOption(id)
    await b.shoot('smoke-session')
    await b.page.getByRole('button', { name: 'Start the session' }).click()
    await b.page.waitForTimeout(9000)
    await b.shoot('smoke-session-on')
    await b.go('bays')
    await b.page.waitForTimeout(300)
    await b.shoot('smoke-wall-run')
    await b.tile(1).click()
    await b.page.waitForTimeout(1500)
    await b.shoot('smoke-terminal')
    for (const s of ['packages', 'history', 'guides', 'guides/bootloader', 'settings']) {
      await b.go(s)
      await b.page.waitForTimeout(400)
      await b.shoot('smoke-' + s.replace('/', '-'))
    }
    console.log(b.complaints)
  } finally {
    await b.close()
  }
}, 120000)
