// The two hosts that show the interface: the station in Chromium, and the desktop program in Electron where its runtime is there. Either
// talks to an engine in the test's own process, so that a test can plug terminals in and pull cables.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, _electron as electron, type Page } from 'playwright'
import type { TestContext } from 'vitest'
import { WebSocketServer } from 'ws'
import { electronRuntime, whyNoElectron } from '../../scripts/electron-runtime.ts'
import type { BenchEngine } from '../../src/main/hosts/bench-engine/bench-engine.ts'
import { serveWindow } from '../../src/main/hosts/bench-engine/serve-window.ts'
import { openStation } from '../../src/main/hosts/station/station.ts'
import { webSocketPort } from '../../src/main/hosts/station/web-socket-port.ts'
import { requireTool } from '../tools.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = join(ROOT, 'out/renderer')
const RELAY = join(import.meta.dirname, 'electron-relay.js')
/** Set for a run of the same specs in Electron: `SLOTBENCH_E2E=electron`. */
export const IN_ELECTRON = process.env['SLOTBENCH_E2E'] === 'electron'

/** Chromium refuses its sandbox to root; tests alone run as root. */
const AS_ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : []
const CHROMIUM = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--force-color-profile=srgb'],
  ...AS_ROOT,
]

export interface Viewport {
  readonly width: number
  readonly height: number
}

export interface WindowHost {
  readonly kind: 'station' | 'electron'
  readonly context: BrowserContext
  readonly page: Page
  /** Goes to the interface. */
  enter(): Promise<void>
  /** What the system's dialogs will answer; a browser has none. */
  answerDialogs(paths: { readonly open?: string; readonly save?: string }): Promise<void>
  close(): Promise<void>
}

/** A folder of its own for each window, on a RAM disk where there is one. */
const newProfile = (): string =>
  mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'slotbench-window-'))

/** Path of Electron. Without it the test is skipped, and the end of the run says why. */
export function requireElectron(test: TestContext): string {
  const why = whyNoElectron()
  const runtime = electronRuntime()
  return why === undefined && runtime !== undefined ? runtime.program : test.skip(why)
}

export function openWindowHost(
  test: TestContext,
  engine: BenchEngine,
  viewport: Viewport,
): Promise<WindowHost> {
  return IN_ELECTRON ? openElectron(test, engine, viewport) : openChromium(test, engine, viewport)
}

async function openChromium(test: TestContext, engine: BenchEngine, viewport: Viewport): Promise<WindowHost> {
  const executablePath = requireTool('chromium', test)
  const station = await openStation({ engine, pages: PAGES, port: 0 })
  const profile = newProfile()
  const look = { viewport, colorScheme: 'light', locale: 'en-GB' } as const
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: CHROMIUM, ...look })
  const page = context.pages()[0] ?? (await context.newPage())
  return {
    ...{ kind: 'station', context, page },
    enter: async () => void (await page.goto(station.url)),
    answerDialogs: async () => {},
    close: async () => {
      await context.close()
      await station.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

async function openElectron(test: TestContext, engine: BenchEngine, viewport: Viewport): Promise<WindowHost> {
  const executablePath = requireElectron(test)
  const relay = await serveRelay(engine)
  const { app, page, profile } = await launchDesktop(executablePath, {
    SLOTBENCH_ENGINE: RELAY,
    SLOTBENCH_RELAY: relay.url,
  })
  await page.setViewportSize(viewport)
  return {
    ...{ kind: 'electron', context: app.context(), page },
    // It has entered by itself; what a test has changed since is seen anew.
    enter: async () => void (await page.reload()),
    answerDialogs: ({ open, save }) =>
      app.evaluate(
        ({ dialog }, paths) => {
          dialog.showOpenDialog = async () => ({ canceled: false, filePaths: [paths.open ?? ''] })
          dialog.showSaveDialog = async () => ({ canceled: false, filePath: paths.save ?? '' })
        },
        { open, save },
      ),
    close: async () => {
      await app.close()
      await relay.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/** The desktop program from `out/`, with a profile of its own. */
export async function launchDesktop(executablePath: string, more: Readonly<Record<string, string>>) {
  const profile = newProfile()
  const app = await electron.launch({
    executablePath,
    args: [ROOT, `--user-data-dir=${profile}`, '--lang=en-GB', '--force-color-profile=srgb'],
    chromiumSandbox: AS_ROOT.length === 0,
    env: { ...withoutUndefined(process.env), ...more },
    colorScheme: 'light',
  })
  return { app, page: await app.firstWindow(), profile }
}

const withoutUndefined = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )

/** Where the relay in Electron brings each window's port: the contract over a WebSocket, for whoever knows the path. */
async function serveRelay(engine: BenchEngine): Promise<{ readonly url: string; close(): Promise<void> }> {
  const path = `/${randomBytes(16).toString('hex')}`
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path })
  server.on('connection', (socket) => void serveWindow(engine, webSocketPort(socket)))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}${path}`,
    close: async () => {
      for (const socket of server.clients) socket.terminate()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
