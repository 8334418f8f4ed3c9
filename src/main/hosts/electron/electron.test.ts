// The desktop host's own code on a double of Electron: windows and processes are emitters, ports are Node's message channels. It finds
// wiring errors on machines without the runtime; that Electron behaves like this, it does not show.
import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineBench } from '../../../../test/engine-bench.ts'
import { BenchClient } from '../../../shared/bench-api.ts'
import type { BenchState } from '../../../shared/contract.ts'
import { CHANNEL } from '../../../shared/host-bridge.ts'
import { serveWindow } from '../bench-engine/serve-window.ts'
import { electronPort } from './message-port.ts'

/** A port with Electron's manners: messages come as events, and only after `start`. */
class PortDouble extends EventEmitter {
  readonly #port: MessagePort

  constructor(port: MessagePort) {
    super()
    this.#port = port
    port.on('close', () => this.emit('close'))
  }

  start(): void {
    this.#port.on('message', (data) => this.emit('message', { data, ports: [] }))
  }

  postMessage(data: unknown): void {
    this.#port.postMessage(data)
  }

  close(): void {
    this.#port.close()
  }
}

const asElectron = (port: unknown) => port as Electron.MessagePortMain

const electron = vi.hoisted(() => ({
  windows: [] as unknown[],
  processes: [] as unknown[],
  blockers: new Set<number>(),
  answer: 0,
  asked: 0,
  quits: 0,
  folder: '',
}))

vi.mock('electron', async () => {
  const { EventEmitter } = await import('node:events')
  class WebContents extends EventEmitter {
    readonly mainFrame = { url: 'slotbench://app/index.html' }
    readonly session = { setPermissionRequestHandler: () => {}, setPermissionCheckHandler: () => {} }
    readonly posted: unknown[] = []
    opener: (() => unknown) | undefined
    isDestroyed = () => false
    setWindowOpenHandler(handler: () => unknown): void {
      this.opener = handler
    }
    postMessage(channel: string, _message: unknown, ports: unknown[]): void {
      this.posted.push({ channel, ports })
      this.emit('posted')
    }
    send(): void {}
  }
  class BrowserWindow extends EventEmitter {
    readonly webContents = new WebContents()
    readonly options: unknown
    progress: number | undefined
    closed = false
    constructor(options: unknown) {
      super()
      this.options = options
      electron.windows.push(this)
    }
    loadURL = async () => {}
    show(): void {}
    maximize(): void {}
    isDestroyed = () => this.closed
    isFocused = () => true
    isMaximized = () => false
    getNormalBounds = () => ({ x: 0, y: 0, width: 800, height: 600 })
    setProgressBar(share: number): void {
      this.progress = share
    }
    close(): void {
      let prevented = false
      this.emit('close', { preventDefault: () => (prevented = true) })
      if (prevented) return
      this.closed = true
      this.emit('closed')
      app.emit('window-all-closed')
    }
  }
  class UtilityProcess extends EventEmitter {
    readonly taken: unknown[] = []
    constructor() {
      super()
      electron.processes.push(this)
      queueMicrotask(() => this.emit('spawn'))
    }
    postMessage(message: unknown, ports: unknown[] = []): void {
      if (message === 'close') queueMicrotask(() => this.emit('exit', 0))
      else if (!this.emit('window', ports[0])) this.taken.push(ports[0])
    }
    kill(): void {
      this.emit('exit', 1)
    }
  }
  class App extends EventEmitter {
    requestSingleInstanceLock = () => true
    enableSandbox(): void {}
    whenReady = async () => {}
    getPath = () => electron.folder
    quit(): void {
      let prevented = false
      this.emit('will-quit', { preventDefault: () => (prevented = true) })
      if (!prevented) electron.quits += 1
    }
  }
  class MessageChannelMain {
    readonly port1: PortDouble
    readonly port2: PortDouble
    constructor() {
      const { port1, port2 } = new MessageChannel()
      this.port1 = new PortDouble(port1)
      this.port2 = new PortDouble(port2)
    }
  }
  const app = new App()
  class IpcMain extends EventEmitter {
    handle(): void {}
    removeHandler(): void {}
  }
  return {
    ...{ app, BrowserWindow, MessageChannelMain, ipcMain: new IpcMain() },
    utilityProcess: { fork: () => new UtilityProcess() },
    protocol: { registerSchemesAsPrivileged: () => {}, handle: () => {} },
    net: {},
    Menu: { buildFromTemplate: () => ({}), setApplicationMenu: () => {} },
    Notification: { isSupported: () => false },
    screen: { getDisplayMatching: () => ({ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }) },
    powerSaveBlocker: {
      start: () => {
        electron.blockers.add(1)
        return 1
      },
      stop: (id: number) => electron.blockers.delete(id),
    },
    dialog: {
      showMessageBox: async () => {
        electron.asked += 1
        return { response: electron.answer }
      },
    },
  }
})

interface WindowDouble extends EventEmitter {
  readonly options: { readonly webPreferences: Record<string, unknown> }
  readonly webContents: EventEmitter & {
    readonly mainFrame: object
    readonly posted: { readonly channel: string; readonly ports: unknown[] }[]
    readonly opener: () => unknown
  }
  readonly progress: number | undefined
  readonly closed: boolean
  close(): void
}

let bench: EngineBench
beforeAll(async () => {
  bench = new EngineBench()
  electron.folder = mkdtempSync(join(tmpdir(), 'slotbench-electron-'))
  const { app } = await import('electron')
  const { startApp } = await import('./app.ts')
  startApp()
  await vi.waitFor(() => expect(electron.windows.length).toBe(1))
  // What the engine's process does with each port (`bench-process.ts`), in this process.
  const [process] = electron.processes as (EventEmitter & { readonly taken: unknown[] })[]
  const serve = (port: unknown) => serveWindow(bench.engine, electronPort(asElectron(port)))
  process?.on('window', serve)
  process?.taken.forEach(serve)
  expect(app).toBeDefined()
})
afterAll(async () => {
  await bench.close()
  rmSync(electron.folder, { recursive: true })
})

const shown = () => electron.windows[0] as WindowDouble
async function askForPort(senderFrame: object | null): Promise<unknown> {
  const { ipcMain } = await import('electron')
  const { posted } = shown().webContents
  const before = posted.length
  ipcMain.emit(CHANNEL.port, { senderFrame })
  await new Promise((resolve) => setTimeout(resolve, 20))
  return posted.length > before ? posted.at(-1)?.ports[0] : undefined
}

describe('the desktop host', () => {
  beforeEach(() => {
    electron.asked = 0
  })

  it('opens a window that is shut in', () => {
    const { options, webContents } = shown()
    expect(options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    })
    expect(webContents.opener()).toEqual({ action: 'deny' })
    for (const event of ['will-navigate', 'will-frame-navigate', 'will-attach-webview']) {
      const preventDefault = vi.fn()
      webContents.emit(event, { preventDefault })
      expect(preventDefault, event).toHaveBeenCalled()
    }
  })

  it('gives its own page a port on the contract, and no other frame', async () => {
    expect(await askForPort({ url: 'https://evil.example' })).toBeUndefined()
    expect(await askForPort(null)).toBeUndefined()
    const port = await askForPort(shown().webContents.mainFrame)
    const client = new BenchClient(async () => electronPort(asElectron(port)))
    const state = await new Promise<BenchState>((resolve) =>
      client.subscribe((event) => event.type === 'snapshot' && resolve(event.state)),
    )
    expect(state.settings.firstStartDone).toBe(false)
    await client.call('settings.set', { firstStartDone: true })
    expect(bench.engine.settings.settings.firstStartDone).toBe(true)
    client.close()
  })

  it('keeps the computer awake while a job runs, shows its progress, and asks before it closes', async () => {
    await bench.plug({ serial: 'NX0001', port: 2, link: { bytesPerSecond: 2_000_000, speed: 'high' } })
    const { engine } = bench
    const rom = await engine.library.add(await bench.rom())
    await vi.waitFor(() => expect(engine.board.sighting('usb:1-2')).toBeDefined())
    const choice = { policy: 'seamless', wipe: false } as const
    const { id } = await engine.planner.make({ bay: 'usb:1-2', rom, choice, survey: true })
    const job = await engine.runner.start(engine.planner.take(id))
    await vi.waitFor(() => expect(electron.blockers.size).toBe(1), { timeout: 10_000 })
    await vi.waitFor(() => expect(shown().progress).toBeGreaterThanOrEqual(0))
    electron.answer = 0
    shown().close()
    await vi.waitFor(() => expect(electron.asked).toBe(1))
    expect(shown().closed).toBe(false)
    await engine.runner.cancel(job)
    await vi.waitFor(() => expect(electron.blockers.size).toBe(0), { timeout: 10_000 })
    await vi.waitFor(() => expect(shown().progress).toBe(-1))
  }, 30_000)

  it('starts the engine again when it dies, and quits only when it has let go', async () => {
    const [first] = electron.processes as EventEmitter[]
    first?.emit('exit', 139)
    await vi.waitFor(() => expect(electron.processes.length).toBe(2), { timeout: 10_000 })
    shown().close()
    expect(electron.asked).toBe(0)
    expect(shown().closed).toBe(true)
    await vi.waitFor(() => expect(electron.quits).toBe(1), { timeout: 10_000 })
  }, 30_000)
})
