// The window: sandboxed, without a way to navigate, open windows or ask for permissions; it gets views and gives nothing.
import { join } from 'node:path'
import { BrowserWindow, ipcMain } from 'electron'
import { CHANNEL } from '../../../shared/contract.ts'
import type { BenchService } from './bench-service.ts'

import { START_PAGE } from './renderer-protocol.ts'

export interface ShownWindow {
  readonly isClosed: boolean
  focus(): void
}

/** Set by `electron-vite dev` only: the address of the development server. */
const DEVELOPMENT_PAGE = process.env['ELECTRON_RENDERER_URL']

export function openWindow(bench: BenchService): ShownWindow {
  const window = new BrowserWindow({
    title: 'Slotbench',
    width: 1100,
    height: 760,
    minWidth: 480,
    minHeight: 360,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload: join(import.meta.dirname, '../preload/index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  })
  shutIn(window)
  feed(window, bench)
  window.once('ready-to-show', () => window.show())
  void window.loadURL(DEVELOPMENT_PAGE ?? START_PAGE)
  return {
    get isClosed() {
      return window.isDestroyed()
    },
    focus: () => {
      if (window.isMinimized()) window.restore()
      window.focus()
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

/** Sends the view when the page asks for it and after each change. Messages from anything but this page are dropped. */
function feed(window: BrowserWindow, bench: BenchService): void {
  const { webContents } = window
  const send = (): void => {
    if (!webContents.isDestroyed()) webContents.send(CHANNEL.baysChanged, bench.view)
  }
  const onSubscribe = ({ senderFrame }: Electron.IpcMainEvent): void => {
    if (senderFrame !== null && senderFrame === webContents.mainFrame) send()
  }
  ipcMain.on(CHANNEL.baysSubscribe, onSubscribe)
  const stop = bench.onChange(send)
  window.once('closed', () => {
    stop()
    ipcMain.off(CHANNEL.baysSubscribe, onSubscribe)
  })
}
