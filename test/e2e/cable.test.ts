// What happens on a bench: a cable that is pulled, a window that is reloaded, a package for another model, and no mouse.
import { expect, it } from 'vitest'
import { BrowserBench } from './bench-in-browser.ts'

const SLOW = { bytesPerSecond: 400_000, speed: 'high' } as const

it('the cable is pulled in the middle of a write and put back; the window is reloaded meanwhile', async (test) => {
  const browser = await BrowserBench.open(test)
  const { page, bench } = browser
  try {
    const id = await bench.engine.library.add(await bench.rom())
    await bench.engine.library.verify(id)
    const terminal = await bench.plug({ serial: 'NX0001', port: 2, link: SLOW })
    await browser.enter()
    await browser.tile(2).getByText('Ready').waitFor()
    await browser.go('bay/usb:1-2')
    await page.getByLabel('Package', { exact: true }).selectOption(id)
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByRole('button', { name: 'Start flashing' }).click()
    await page
      .locator('.step[aria-current]')
      .filter({ hasText: /Write vendor_b/ })
      .waitFor()
    await browser.isAccessible('a running job')
    await browser.shoot('job-running')
    await page.reload()
    await page.getByRole('heading', { name: 'NX679J-V2.11' }).waitFor()
    await page.locator('.step[data-tone="good"]').first().waitFor()
    bench.usb.unplug(terminal)
    await page.getByText(/plug it back into the same port/).waitFor()
    await browser.shoot('cable-pulled')
    await browser.isAccessible('a pulled cable')
    await page.reload()
    await page.getByText(/plug it back into the same port/).waitFor()
    bench.replug(terminal, { port: 2 })
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    expect((await terminal.wouldBoot()).build).toBe('NX679J-V2.11')
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
  }
})

it('a package for another model is refused with the reason, and nothing is written', async (test) => {
  const browser = await BrowserBench.open(test)
  const { page, bench } = browser
  try {
    const id = await bench.engine.library.add(await bench.rom('unisoc-ab'))
    const terminal = await bench.plug({ serial: 'NX0001', port: 2 })
    const before = await terminal.partitionDigest('boot_b')
    await browser.enter()
    await browser.go('bay/usb:1-2')
    await page.getByLabel('Package', { exact: true }).selectOption(id)
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByText('It cannot be flashed').waitFor()
    await page.getByText('Wrong model').waitFor()
    expect(await page.getByRole('button', { name: 'Start flashing' }).count()).toBe(0)
    await browser.isAccessible('a plan that is blocked')
    await browser.shoot('wrong-model')
    expect(await terminal.partitionDigest('boot_b')).toBe(before)
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
  }
})

it('the whole job without a mouse', async (test) => {
  const browser = await BrowserBench.open(test)
  const { page, bench } = browser
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      const words = await page.evaluate(
        '(document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "")',
      )
      if (name.test(String(words))) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`the keyboard never reached ${name}`)
  }
  try {
    const id = await bench.engine.library.add(await bench.rom())
    await bench.engine.library.verify(id)
    await bench.plug({ serial: 'NX0001', port: 2 })
    await browser.enter()
    await browser.tile(2).getByText('Ready').waitFor()
    await page.keyboard.press('1')
    await page.getByRole('heading', { name: 'NX679J' }).waitFor()
    await tabTo(/^Package$/)
    await page.keyboard.press('ArrowDown')
    await tabTo(/^Check and plan$/)
    await page.keyboard.press('Enter')
    await page.getByText('The package fits this terminal').waitFor()
    // Away from the button, whose own key space is.
    await page.locator('main').focus()
    await page.keyboard.press('Space')
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    await page.keyboard.press('l')
    await page.locator('.log-line').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('proven')
    expect(await page.getByLabel('Search the log').inputValue()).toBe('proven')
    await tabTo(/Log/)
    await page.keyboard.press('Escape')
    await browser.tile(2).getByText('Done').waitFor()
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
  }
})
