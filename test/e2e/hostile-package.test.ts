// What a package says of itself is shown as text, cut to size, in its own direction, whatever it holds.
import { expect, it } from 'vitest'
import { BrowserBench } from './bench-in-browser.ts'

it('markup, direction marks and megabytes in the metadata of a package do nothing to the page', async (test) => {
  const browser = await BrowserBench.open(test)
  const { page, bench } = browser
  try {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const turned = 'NX679J\u202egnp.exe'
    const rom = await bench.makeRom('nx679j', {
      name: '<b>evil & <i>package.zip',
      models: [evil, turned, `model-${'M'.repeat(100_000)}`],
      build: `${evil}${'B'.repeat(20_000)}`,
    })
    const id = await bench.engine.library.add(rom)
    await browser.enter()
    await browser.go('packages')
    await page.locator('.package').waitFor()
    expect(await page.title()).toBe('Slotbench')
    expect(await page.locator('.package img, .package script, .package b, .package i').count()).toBe(0)
    const words = (await page.locator('.package').textContent()) ?? ''
    expect(words).not.toContain('\u202e')
    expect(words.length).toBeLessThan(5_000)
    const [view] = bench.engine.model.state.roms
    expect(view?.id).toBe(id)
    const overflow = await page.evaluate(
      'document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth',
    )
    expect(overflow).toBe(false)
    await browser.shoot('hostile-package')
    await browser.isAccessible('a hostile package')
    await bench.plug({ serial: '<script>alert(1)</script>', port: 2 })
    await browser.go('bays')
    await browser.tile(2).waitFor()
    expect(await page.locator('.tile script').count()).toBe(0)
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
  }
})
