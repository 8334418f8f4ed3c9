// The window: sandboxed, without a way to navigate, open windows or ask for permissions; all it gets is a port on the contract.
import { join } from 'node:path'
import { app, BrowserWindow, dialog, ipcMain } from 'electron'
import { CHANNEL, type MenuAction } from '../../../shared/host-bridge.ts'
import type { BenchService } from './bench-service.ts'
import { savePdf } from './print-pdf.ts'
import { START_PAGE } from './renderer-protocol.ts'
import { keepPlace, lastPlace } from './window-place.ts'

export interface ShownWindow {
  readonly isClosed: boolean
  readonly isFocused: boolean
  focus(): void
  act(action: MenuAction): void
  /** @param share 0 to 1; undefined takes it away. */
  progress(share: number | undefined): void
}

export interface WindowOptions {
  readonly bench: BenchService
  /** How many jobs run; with any, closing asks first. */
  readonly running: () => number
}

/** Set by `electron-vite dev` only: the address of the development server. A packaged program shows no page but its own. */
const developmentPage = (): string | undefined =>
  app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL']

export function openWindow({ bench, running }: WindowOptions): ShownWindow {
  const place = lastPlace()
  const window = new BrowserWindow({
    title: 'Slotbench',
    width: 1366,
    height: 768,
    ...(place && { x: place.x, y: place.y, width: place.width, height: place.height }),
    minWidth: 480,
    minHeight: 360,
    show: false,
    webPreferences: {
      preload: join(import.meta.dirname, '../preload/index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
      // A bench in the background goes on showing what happens.
      backgroundThrottling: false,
    },
  })
  if (place?.maximised === true) window.maximize()
  shutIn(window)
  feed(window, bench)
  askBeforeClosing(window, running)
  window.once('ready-to-show', () => window.show())
  void window.loadURL(developmentPage() ?? START_PAGE)
  return {
    get isClosed() {
      return window.isDestroyed()
    },
    get isFocused() {
      return !window.isDestroyed() && window.isFocused()
    },
    focus: () => {
      if (window.isMinimized()) window.restore()
      window.focus()
    },
    act: (action) => {
      if (!window.isDestroyed()) window.webContents.send(CHANNEL.menu, action)
    },
    progress: (share) => {
      if (!window.isDestroyed()) window.setProgressBar(share ?? -1)
    },
  }
}

/** The page stays the page: no navigation, no windows, no web views, no permissions. */
function shutIn(window: BrowserWindow): void {
  const { webContents } = window
  webContents.on('will-navigate', (event) => event.preventDefault())
  webContents.on('will-frame-navigate', (event) => event.preventDefault())
  webContents.on('will-attach-webview', (event) => event.preventDefault())
  webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  webContents.session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false))
  webContents.session.setPermissionCheckHandler(() => false)
}

/** Gives the page a port when it asks for one, and the system's dialogs. Messages from anything but this page are dropped. */
function feed(window: BrowserWindow, bench: BenchService): void {
  const { webContents } = window
  const isOurs = (frame: Electron.WebFrameMain | null): boolean =>
    frame !== null && frame === webContents.mainFrame
  const onPort = ({ senderFrame }: Electron.IpcMainEvent): void => {
    if (!isOurs(senderFrame)) return
    void bench.connect().then((port) => {
      if (webContents.isDestroyed()) port.close()
      else webContents.postMessage(CHANNEL.port, null, [port])
    })
  }
  ipcMain.on(CHANNEL.port, onPort)
  ipcMain.handle(CHANNEL.pickPackage, async ({ senderFrame }) => {
    if (!isOurs(senderFrame)) return undefined
    const { filePaths } = await dialog.showOpenDialog(window, {
      properties: ['openFile'],
      filters: [
        { name: 'ROM packages', extensions: ['zip', 'bin', 'pac', 'xml', 'txt'] },
        { name: 'All files', extensions: ['*'] },
      ],
    })
    return filePaths[0]
  })
  ipcMain.handle(CHANNEL.savePdf, ({ senderFrame }, name: unknown) =>
    isOurs(senderFrame) && typeof name === 'string' ? savePdf(window, name) : undefined,
  )
  window.once('closed', () => {
    ipcMain.off(CHANNEL.port, onPort)
    ipcMain.removeHandler(CHANNEL.pickPackage)
    ipcMain.removeHandler(CHANNEL.savePdf)
  })
}

/** Jobs are stopped in order and can be resumed, but nobody should do that by mistake. */
function askBeforeClosing(window: BrowserWindow, running: () => number): void {
  let sure = false
  window.on('close', (event) => {
    keepPlace(window)
    const count = running()
    if (sure || count === 0) return
    event.preventDefault()
    void dialog
      .showMessageBox(window, {
        type: 'warning',
        message: count === 1 ? 'A job is running.' : `${count} jobs are running.`,
        detail: 'Closing stops them in order. They can be resumed from their first unproven step.',
        buttons: ['Keep working', 'Stop jobs and close'],
        defaultId: 0,
        cancelId: 0,
      })
      .then(({ response }) => {
        sure = response === 1
        if (sure) window.close()
      })
  })
}
