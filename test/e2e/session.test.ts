// Many terminals at once, of two models, one of them failing.
import { expect, it } from 'vitest'
import { inBrowser } from './bench-in-browser.ts'

const SLOW = { bytesPerSecond: 4_000_000, speed: 'high' } as const

it('three terminals of two models; the one that fails is recovered from its failure card', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const [rom] = await Promise.all([bench.rom('nx679j'), bench.rom('unisoc-ab')])
    const { library } = bench.engine
    const [id, other] = [await library.add(rom), await library.add(await bench.rom('unisoc-ab'))]
    await Promise.all([library.verify(id), library.verify(other)])
    await browser.enter()
    await browser.go('session')
    await page.getByLabel('Package', { exact: true }).selectOption(id)
    await page.getByLabel('Seconds before').fill('1')
    await browser.isAccessible('a new session')
    await browser.shoot('session-new')
    await page.getByRole('button', { name: 'Start the session' }).click()
    await page.getByText('Plug terminals in.').waitFor()

    const failing = await bench.plug({
      ...{ serial: 'NX0002', port: 2, link: SLOW },
      faults: {
        faults: [{ kind: 'refuse', at: { startsWith: 'flash:boot_b' }, words: 'flash write failure' }],
      },
    })
    await bench.plug({ serial: 'NX0001', port: 1, link: SLOW })
    await bench.plug({ serial: 'UNI003', port: 3, model: 'unisoc-ab', link: SLOW })
    const unfit = page.locator('.session-bay[data-bay="usb:1-3"]')
    await unfit.getByText('Does not fit').waitFor()
    await unfit.getByText('Wrong model').waitFor()
    await browser.isAccessible('a session under way')
    await browser.shoot('session')

    // The one of the other model gets its own package on its own page, while the others are written.
    await browser.go('bay/usb:1-3')
    await page.getByLabel('Package', { exact: true }).selectOption(other)
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByText('The package fits this terminal').waitFor()
    await page.getByRole('button', { name: 'Start flashing' }).click()

    await browser.go('bays')
    await browser.tile(2).getByText('Failed').waitFor()
    await browser.shoot('wall')
    await browser.isAccessible('the wall with a failure')
    await browser.tile(2).click()
    const card = page.locator('.failure')
    await card.getByText('What to do').waitFor()
    await card.getByText(/flash write failure/).waitFor()
    await browser.isAccessible('the failure card')
    await browser.shoot('failure')
    await card.getByRole('button', { name: 'Support bundle' }).click()
    const bundle = page.getByRole('dialog', { name: 'Support bundle' })
    await bundle.getByRole('row', { name: /NX0002 serial-1/ }).waitFor()
    const content = bundle.locator('select')
    const options = await content.locator('option').allTextContents()
    for (const label of options) {
      await content.selectOption({ label })
      expect(await bundle.locator('pre').textContent()).not.toContain('NX0002')
    }
    await browser.isAccessible('the support bundle')
    await browser.shoot('support-bundle')
    const download = page.waitForEvent('download')
    await bundle.getByRole('button', { name: 'Save the bundle' }).click()
    expect((await download).suggestedFilename()).toMatch(/^slotbench-support-.*\.zip$/)
    await bundle.getByRole('button', { name: 'Close' }).click()
    failing.setFaults({})
    await card.getByRole('button', { name: 'Retry from here' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()

    await browser.go('bays')
    for (const port of [1, 2, 3]) await browser.tile(port).getByText('Done').waitFor()
    await browser.shoot('wall-done')
    for (const serial of ['NX0001', 'NX0002', 'UNI003'])
      expect((await bench.terminals.get(serial)?.wouldBoot())?.build).toMatch(/V2\.11$/)
    await page.getByRole('button', { name: 'End the session' }).click()
    await page.getByText(/Session:/).waitFor({ state: 'detached' })
  }))

it('twenty-four bays fit on one screen, and each says what it is', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    for (let port = 1; port <= 24; port++)
      await bench.plug({
        serial: `NX${String(port).padStart(4, '0')}`,
        port,
        link: { bytesPerSecond: 200_000, speed: port % 6 === 0 ? 'full' : 'high' },
      })
    await browser.enter()
    await expect.poll(() => page.locator('.tile').count(), { timeout: 20_000 }).toBe(24)
    await expect
      .poll(() => page.locator('.tile').filter({ hasText: 'Ready' }).count(), { timeout: 30_000 })
      .toBe(24)
    await expect.poll(() => page.locator('.tile').filter({ hasText: 'USB 1' }).count()).toBe(4)
    const scrolls = await page.evaluate('document.querySelector("main").scrollHeight > innerHeight')
    expect(scrolls).toBe(false)
    await browser.isAccessible('24 bays')
    await browser.theme('contrast')
    await browser.isAccessible('24 bays in high contrast')
    await browser.shoot('wall-24')
  }))
