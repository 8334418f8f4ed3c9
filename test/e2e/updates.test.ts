// Updates of the program, as somebody sees them: the engine and the page are real, the host that would fetch them is the test.
import { expect, it } from 'vitest'
import { inBrowser } from './bench-in-browser.ts'

it('an update is looked for, fetched and installed only when somebody says so', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const { updates } = bench.engine
    await browser.enter()
    await browser.go('settings')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    // The station does not renew itself.
    expect(await page.getByRole('heading', { name: 'Updates' }).count()).toBe(0)

    const orders: string[] = []
    updates.attach(({ update }) => orders.push(update))
    updates.take({ update: 'ready', configured: false })
    await page.getByText('without an address for updates').waitFor()
    updates.take({ update: 'ready', configured: true })
    await page.getByText('Looking for a newer version').waitFor()
    updates.take({ update: 'failed', detail: '<b>net::ERR_NAME_NOT_RESOLVED</b>' })
    await page.getByText('<b>net::ERR_NAME_NOT_RESOLVED</b>').waitFor()
    await browser.isAccessible('an update that could not be looked for')
    await page.getByRole('button', { name: 'Look for updates' }).click()
    await page.getByText('Looking for a newer version').waitFor()
    updates.take({ update: 'found', version: '0.2.0' })
    await page.getByText('Version 0.2.0 is there.').waitFor()
    expect(orders).toEqual(['check', 'check'])
    await page.getByRole('button', { name: 'Fetch it' }).click()
    await page.getByText('Fetching version 0.2.0').first().waitFor()
    updates.take({ update: 'progress', done: 30_000_000, total: 100_000_000 })
    await page.getByRole('progressbar', { name: 'Fetching version 0.2.0' }).waitFor()
    await browser.isAccessible('an update on its way')
    updates.take({ update: 'downloaded' })
    await page.getByText('Version 0.2.0 is ready').waitFor()
    await browser.isAccessible('an update that is ready')
    await page.getByRole('button', { name: 'Install and start again' }).scrollIntoViewIfNeeded()
    await browser.shoot('update')
    await page.getByRole('button', { name: 'Install and start again' }).click()
    await page.getByText('Installing version 0.2.0').waitFor()
    expect(orders).toEqual(['check', 'check', 'download', 'install'])
  }))
