// The first start, and the screens of a bench on which nothing has happened yet.
import { expect, it } from 'vitest'
import { inBrowser } from './bench-in-browser.ts'
import { flashSimulated } from './flash-simulated.ts'

it('the first start takes three steps and leads to a wall that says what to do', (test) =>
  inBrowser(test, { firstStart: true }, async (browser) => {
    const { page } = browser
    await browser.enter()
    expect(page.url()).not.toContain('token')
    await page.getByRole('heading', { name: 'Welcome to Slotbench' }).waitFor()
    await browser.isAccessible('first start, step 1')
    await browser.shoot('first-start')
    await page.getByRole('radio', { name: 'Dark' }).click()
    await page.locator('html[data-theme="dark"]').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Look again' }).waitFor()
    await browser.isAccessible('first start, step 2')
    await page.getByRole('button', { name: 'Next' }).click()
    await browser.isAccessible('first start, step 3')
    await page.getByRole('button', { name: 'Begin' }).click()
    await page.getByRole('heading', { name: 'Connect a terminal' }).waitFor()
    await browser.isAccessible('the empty wall')
    await browser.shoot('wall-empty')
    for (const screen of ['session', 'packages', 'history', 'guides', 'guides/bootloader', 'settings']) {
      await browser.go(screen)
      await page.locator('main h1').waitFor()
      await browser.isAccessible(`${screen}, empty and dark`)
      await browser.shoot(`${screen.replace('/', '-')}-empty`)
    }
    await page.reload()
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await page.locator('html[data-theme="dark"]').waitFor()
  }))

it('somebody without a terminal flashes a simulated one', (test) =>
  inBrowser(test, { firstStart: true }, async (browser) => {
    await browser.enter()
    await flashSimulated(browser.page)
  }))
