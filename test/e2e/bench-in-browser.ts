// The real interface in a real browser, or in Electron: its host over the engine on simulated terminals, and Playwright on its page.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, Page } from 'playwright'
import { expect, type TestContext } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { EngineBench } from '../engine-bench.ts'
import { IN_ELECTRON, openWindowHost, type WindowHost } from './window-hosts.ts'

/** Where screenshots go; kept out of the repository. */
export const SHOTS =
  process.env['SLOTBENCH_SHOTS'] ??
  join(import.meta.dirname, '../../test-output', IN_ELECTRON ? 'screens-electron' : 'screens')

export interface Wanted {
  readonly width?: number
  readonly height?: number
  /** Default: the first start is done already. */
  readonly firstStart?: boolean
}

/** Gives a bench and a browser on it to `work`. When it fails, what the page showed goes into the error.
 * Without Chromium the test is skipped and named; in CI it fails. */
export async function inBrowser(
  test: TestContext,
  wanted: Wanted,
  work: (browser: BrowserBench) => Promise<void>,
): Promise<void> {
  const browser = await BrowserBench.open(test, wanted)
  try {
    await work(browser)
    expect(browser.complaints).toEqual([])
  } catch (error) {
    throw new Error(await browser.whatItShows(), { cause: error })
  } finally {
    await browser.close()
  }
}

/** One bench with its own data, and one browser with its own profile. */
export class BrowserBench {
  readonly bench: EngineBench
  readonly host: WindowHost
  readonly context: BrowserContext
  readonly page: Page
  /** What the page complained of. */
  readonly complaints: string[] = []

  private constructor(bench: EngineBench, host: WindowHost) {
    this.bench = bench
    this.host = host
    this.context = host.context
    this.page = host.page
    this.page.on('pageerror', (error) => this.complaints.push(error.message))
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
  }

  static async open(test: TestContext, wanted: Wanted): Promise<BrowserBench> {
    await buildIfNeeded()
    const bench = new EngineBench()
    bench.engine.settings.change({ firstStartDone: wanted.firstStart !== true, autoRead: true })
    bench.engine.model.change({ kind: 'settings', settings: bench.engine.settings.settings })
    const viewport = { width: wanted.width ?? 1366, height: wanted.height ?? 768 }
    const host = await openWindowHost(test, bench.engine, viewport).catch(async (thrown: unknown) => {
      await bench.close()
      throw thrown
    })
    host.context.setDefaultTimeout(30_000)
    return new BrowserBench(bench, host)
  }

  async enter(): Promise<void> {
    await this.host.enter()
    await this.page.locator('.shell, .first').first().waitFor()
  }

  go(place: string): Promise<unknown> {
    return this.page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`)
  }

  /** A tile of the wall by its port. */
  tile(port: number) {
    return this.page.locator(`.tile[data-bay="usb:1-${port}"]`)
  }

  /** axe finds nothing, in no theme that is asked for. */
  async isAccessible(what: string): Promise<void> {
    // Electron opens no second page, which axe would put its results together in.
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode(IN_ELECTRON).analyze()
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
    )
    expect(found, `axe on ${what}`).toEqual([])
  }

  shotPath(name: string): string {
    mkdirSync(SHOTS, { recursive: true })
    return join(SHOTS, `${name}.png`)
  }

  /** Written for people to look at, light and dark. */
  async shoot(name: string): Promise<void> {
    for (const theme of ['light', 'dark'] as const) {
      await this.theme(theme)
      await this.page.screenshot({ path: this.shotPath(`${name}-${theme}`) })
    }
    await this.theme('light')
  }

  /** Puts the colours on without the settings: quicker, and the same to the eye. */
  theme(name: 'light' | 'dark' | 'contrast'): Promise<unknown> {
    return this.page.evaluate(`document.documentElement.dataset.theme = '${name}'`)
  }

  async whatItShows(): Promise<string> {
    const words = await this.page
      .locator('body')
      .textContent()
      .catch(() => 'the page is gone')
    const log = this.bench.engine.log
      .read({ limit: 12 })
      .lines.map(({ event }) => JSON.stringify(event).slice(0, 300))
    return `the page shows:\n${words?.slice(0, 3_000)}\nthe log ends with:\n${log.join('\n')}\nthe cause:`
  }

  async close(): Promise<void> {
    await this.host.close()
    await this.bench.close()
  }
}
