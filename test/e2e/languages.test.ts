// Every language on every screen: nothing untranslated, nothing that runs out of its place, Arabic from right to left.
import { expect, it } from 'vitest'
import { LANGUAGES } from '../../src/shared/contract.ts'
import { inBrowser } from './bench-in-browser.ts'

const SCREENS = [
  'bays',
  'bay/usb:1-2',
  'session',
  'packages',
  'packages/repository',
  'packages/cache',
  'history',
  'guides/bootloader',
  'settings',
]
/** Elements whose text is wider than they are, and that do not say so with an ellipsis; and the page itself. */
const OVERFLOWING = `[...document.querySelectorAll('main, button:not(.tile), .chip, h1:not(.unseen), h2, label')]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && e.clientWidth > 0)
  .map((e) => e.outerHTML.slice(0, 160))`

it('every language fits, and lacks no word', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const id = await bench.engine.library.add(await bench.rom('unisoc-ab'))
    await bench.engine.library.verify(id)
    await bench.plug({ serial: 'NX0001', port: 2 })
    await browser.enter()
    await browser.tile(2).getByText('Ready').waitFor()
    await bench.engine.session.start({ rom: id, choice: { policy: 'seamless', wipe: false }, countdown: 0 })
    await browser.tile(2).getByText('Does not fit').waitFor()
    bench.engine.model.change({ kind: 'update', update: { phase: 'downloaded', version: '0.2.0' } })
    for (const language of LANGUAGES) {
      const settings = bench.engine.settings.change({ language })
      bench.engine.model.change({ kind: 'settings', settings })
      await page.locator(`html[lang="${language}"][dir="${language === 'ar' ? 'rtl' : 'ltr'}"]`).waitFor()
      for (const screen of SCREENS) {
        await browser.go(screen)
        await page.locator('main h1').first().waitFor()
        const words = (await page.locator('body').textContent()) ?? ''
        expect(words, `${language}, ${screen}`).not.toMatch(
          /\b(nav|action|status|place|packages|settings|guide|history|finding)\.[a-z]/,
        )
        expect(words).not.toMatch(/\{\{/)
        expect(await page.evaluate(OVERFLOWING), `${language}, ${screen}`).toEqual([])
      }
      await browser.go('bay/usb:1-2')
      await page.locator('main h1').first().waitFor()
      await page.screenshot({ path: browser.shotPath(`language-${language}`) })
    }
    await browser.isAccessible('Arabic')
  }))
