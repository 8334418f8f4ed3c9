// The real interface in a real browser: the station over the engine on simulated terminals, and Chromium on its page.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type BrowserContext, chromium, type Page } from 'playwright'
import { expect, type TestContext } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { openStation, type Station } from '../../src/main/hosts/station/station.ts'
import { EngineBench } from '../engine-bench.ts'
import { requireTool } from '../tools.ts'

const PAGES = join(import.meta.dirname, '../../out/renderer')
/** Where screenshots go; kept out of the repository. */
export const SHOTS = process.env['SLOTBENCH_SHOTS'] ?? join(import.meta.dirname, '../../test-output/screens')

const ARGUMENTS = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--force-color-profile=srgb'],
  // Chromium refuses its sandbox to root; tests alone run as root.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
]

export interface Wanted {
  readonly width?: number
  readonly height?: number
  /** Default: the first start is done already. */
  readonly firstStart?: boolean
}

/** One bench with its own data, and one browser with its own profile. */
export class BrowserBench {
  readonly bench: EngineBench
  station: Station
  readonly context: BrowserContext
  readonly page: Page
  /** What the page complained of. */
  readonly complaints: string[] = []
  readonly #profile: string

  private constructor(
    bench: EngineBench,
    station: Station,
    context: BrowserContext,
    page: Page,
    profile: string,
  ) {
    this.bench = bench
    this.station = station
    this.context = context
    this.page = page
    this.#profile = profile
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
  }

  /** Without Chromium the test is skipped and named; in CI it fails. */
  static async open(test: TestContext, wanted: Wanted = {}): Promise<BrowserBench> {
    const executablePath = requireTool('chromium', test)
    await buildIfNeeded()
    const bench = new EngineBench()
    bench.engine.settings.change({ firstStartDone: wanted.firstStart !== true, autoRead: true })
    bench.engine.model.change({ kind: 'settings', settings: bench.engine.settings.settings })
    const station = await openStation({ engine: bench.engine, pages: PAGES, port: 0 })
    const profile = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'slotbench-chromium-'))
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: ARGUMENTS,
      viewport: { width: wanted.width ?? 1366, height: wanted.height ?? 768 },
      colorScheme: 'light',
      locale: 'en-GB',
    })
    context.setDefaultTimeout(30_000)
    const page = context.pages()[0] ?? (await context.newPage())
    return new BrowserBench(bench, station, context, page, profile)
  }

  async enter(): Promise<void> {
    await this.page.goto(this.station.url)
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
    const { violations } = await new AxeBuilder({ page: this.page }).analyze()
    const found = violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
    )
    expect(found, `axe on ${what}`).toEqual([])
  }

  /** Written for people to look at, light and dark. */
  async shoot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true })
    for (const theme of ['light', 'dark'] as const) {
      await this.theme(theme)
      await this.page.screenshot({ path: join(SHOTS, `${name}-${theme}.png`) })
    }
    await this.theme('light')
  }

  /** Puts the colours on without the settings: quicker, and the same to the eye. */
  theme(name: 'light' | 'dark' | 'contrast'): Promise<unknown> {
    return this.page.evaluate(`document.documentElement.dataset.theme = '${name}'`)
  }

  async close(): Promise<void> {
    await this.context.close()
    await this.station.close()
    await this.bench.close()
    rmSync(this.#profile, { recursive: true, force: true })
  }
}
