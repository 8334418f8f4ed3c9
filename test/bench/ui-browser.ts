// Chromium for (k), and what is asked of it: when something was painted, how long a key took to be seen, how much memory a page holds.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright'

/** Notes, before any script of the page, when the wall was first painted with all its tiles, and how long each key took to be painted.
 * After a frame's callbacks comes its painting; a message sent from there is heard once that is done. */
const OBSERVER = `
window.measured = { wallAt: undefined, keys: [] }
const afterPaint = (then) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => then(performance.now())
  port2.postMessage(0)
})
const look = new MutationObserver(() => {
  if (document.querySelectorAll('.tile').length < TILES) return
  look.disconnect()
  afterPaint((at) => { window.measured.wallAt = at })
})
look.observe(document, { childList: true, subtree: true })
window.addEventListener('keydown', ({ timeStamp }) => afterPaint((at) => window.measured.keys.push(at - timeStamp)), true)
`

export class UiBrowser {
  readonly context: BrowserContext
  readonly page: Page
  readonly #profile: string

  private constructor(context: BrowserContext, page: Page, profile: string) {
    this.context = context
    this.page = page
    this.#profile = profile
  }

  /** With nothing in its cache. */
  static async open(executablePath: string, tiles: number): Promise<UiBrowser> {
    const profile = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'slotbench-bench-ui-'))
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: [
        ...['--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
      viewport: { width: 1366, height: 768 },
    })
    await context.addInitScript(OBSERVER.replace('TILES', String(tiles)))
    return new UiBrowser(context, context.pages()[0] ?? (await context.newPage()), profile)
  }

  /** Milliseconds from the start of the navigation until the whole wall was painted. */
  async wallPaintedAt(url: string): Promise<number> {
    await this.page.goto(url)
    return Number(await this.#until('window.measured.wallAt', (at) => at !== undefined))
  }

  /** Milliseconds from each key to the painting that follows. */
  async pressed(keys: readonly string[], pauseMs: number): Promise<readonly number[]> {
    await this.page.evaluate('window.measured.keys = []')
    for (const key of keys) {
      await this.page.keyboard.press(key)
      await this.page.waitForTimeout(pauseMs)
    }
    const isWhole = (times: unknown) => Array.isArray(times) && times.length >= keys.length
    return (await this.#until('window.measured.keys', isWhole)) as number[]
  }

  /** The page's own policy lets no text be run as a function, so the page is asked again and again. */
  async #until(expression: string, isEnough: (value: unknown) => boolean): Promise<unknown> {
    for (;;) {
      const value: unknown = await this.page.evaluate(expression)
      if (isEnough(value)) return value
      await this.page.waitForTimeout(20)
    }
  }

  /** Of the page's process, in bytes: what its scripts hold after a collection, and all that is resident, shared pages included. */
  async memory(): Promise<{ readonly heap: number; readonly resident: number }> {
    const page = await this.context.newCDPSession(this.page)
    await page.send('HeapProfiler.collectGarbage')
    await page.send('Performance.enable')
    const { metrics } = await page.send('Performance.getMetrics')
    const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? Number.NaN
    await page.detach()
    return { heap, resident: await this.#resident() }
  }

  /** The largest of the renderers: the others are spare ones. */
  async #resident(): Promise<number> {
    const browser = await this.context.browser()?.newBrowserCDPSession()
    if (browser === undefined) throw new Error('the browser cannot be asked for its processes')
    const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
    await browser.detach()
    const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => residentBytes(id))
    return Math.max(...sizes)
  }

  async close(): Promise<void> {
    await this.context.close()
    rmSync(this.#profile, { recursive: true, force: true })
  }
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return 1024 * Number(kilobytes)
}
