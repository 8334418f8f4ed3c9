// A double of Electron for the desktop host's own code: windows and processes are emitters, ports are Node's message channels. It finds
// wiring errors on machines without the runtime; that Electron behaves like this, it does not show.
import { EventEmitter } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { ElectronPortDouble } from './electron-port.ts'

/** What the double has been told, and what it will say. */
export const electron = {
  windows: [] as WindowDouble[],
  processes: [] as ProcessDouble[],
  blockers: new Set<number>(),
  /** The button that is pressed in message boxes. */
  answer: 0,
  asked: 0,
  quits: 0,
  /** Where everything is kept, what is saved included. */
  folder: '',
  packaged: false,
  /** What the save dialog answers; undefined when it is closed. */
  saveAs: undefined as string | undefined,
}

class WebContentsDouble extends EventEmitter {
  readonly mainFrame = { url: 'slotbench://app/index.html' }
  readonly session = { setPermissionRequestHandler: () => {}, setPermissionCheckHandler: () => {} }
  readonly posted: { readonly channel: string; readonly ports: unknown[] }[] = []
  readonly printed: unknown[] = []
  opener: (() => unknown) | undefined
  isDestroyed = () => false
  setWindowOpenHandler(handler: () => unknown): void {
    this.opener = handler
  }
  postMessage(channel: string, _message: unknown, ports: unknown[]): void {
    this.posted.push({ channel, ports })
  }
  printToPDF = async (options: unknown): Promise<Buffer> => {
    this.printed.push(options)
    return Buffer.from('%PDF-1.4 of the page')
  }
  send(): void {}
}

export class WindowDouble extends EventEmitter {
  readonly webContents = new WebContentsDouble()
  readonly options: { readonly webPreferences: Record<string, unknown> }
  progress: number | undefined
  closed = false
  constructor(options: { readonly webPreferences: Record<string, unknown> }) {
    super()
    this.options = options
    electron.windows.push(this)
  }
  shown: string | undefined
  loadURL = async (address: string): Promise<void> => {
    this.shown = address
  }
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

/** The other end of a process: what Electron gives it as `process.parentPort`. */
class ParentPortDouble extends EventEmitter {
  readonly #process: ProcessDouble
  constructor(process: ProcessDouble) {
    super()
    this.#process = process
  }
  postMessage(message: unknown): void {
    queueMicrotask(() => this.#process.emit('message', message))
  }
}

/** A process that nobody serves keeps what it is sent, and ends when it is told to. */
export class ProcessDouble extends EventEmitter {
  readonly parent = new ParentPortDouble(this)
  readonly #waiting: { readonly data: unknown; readonly ports: readonly unknown[] }[] = []
  /** What it runs. */
  readonly entry: string
  constructor(entry: string) {
    super()
    this.entry = entry
    electron.processes.push(this)
    queueMicrotask(() => this.emit('spawn'))
  }
  postMessage(data: unknown, ports: readonly unknown[] = []): void {
    const served = this.parent.emit('message', { data, ports })
    if (!served && data === 'close') queueMicrotask(() => this.emit('exit', 0))
    else if (!served) this.#waiting.push({ data, ports })
  }
  /** Hands over what came before anybody listened. */
  catchUp(): void {
    for (const message of this.#waiting.splice(0)) this.parent.emit('message', message)
  }
  kill(): void {
    this.emit('exit', 1)
  }
}

class AppDouble extends EventEmitter {
  get isPackaged(): boolean {
    return electron.packaged
  }
  requestSingleInstanceLock = () => true
  enableSandbox(): void {}
  whenReady = async () => {}
  getPath = () => electron.folder
  relaunch(): void {}
  quit(): void {
    let prevented = false
    this.emit('will-quit', { preventDefault: () => (prevented = true) })
    if (!prevented) electron.quits += 1
  }
}
const app = new AppDouble()

class MessageChannelDouble {
  readonly port1: ElectronPortDouble
  readonly port2: ElectronPortDouble
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = new ElectronPortDouble(port1)
    this.port2 = new ElectronPortDouble(port2)
  }
}

type Handler = (event: { readonly senderFrame: unknown }, ...values: unknown[]) => unknown

class IpcMainDouble extends EventEmitter {
  readonly #handlers = new Map<string, Handler>()
  handle(channel: string, handler: Handler): void {
    this.#handlers.set(channel, handler)
  }
  removeHandler(channel: string): void {
    this.#handlers.delete(channel)
  }
  /** A page asks. */
  invoke = async (channel: string, senderFrame: unknown, ...values: unknown[]): Promise<unknown> =>
    this.#handlers.get(channel)?.({ senderFrame }, ...values)
}
export const ipcMain = new IpcMainDouble()

/** Given to `vi.mock('electron', …)`. */
export const electronModule = {
  ...{ app, BrowserWindow: WindowDouble, MessageChannelMain: MessageChannelDouble, ipcMain },
  utilityProcess: { fork: (entry: string) => new ProcessDouble(entry) },
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
    showSaveDialog: async () => ({
      canceled: electron.saveAs === undefined,
      filePath: electron.saveAs ?? '',
    }),
  },
}
