// The desktop program: one instance, one window, and a process of its own for USB.
import { app, protocol } from 'electron'
import { BenchService } from './bench-service.ts'
import { SCHEME, serveRenderer } from './renderer-protocol.ts'
import { openWindow, type ShownWindow } from './window.ts'

/** Must run before Electron is ready: schemes can only be registered until then. */
export function startApp(): void {
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }])
  app.enableSandbox()
  let shown: ShownWindow | undefined
  app.on('second-instance', () => shown?.focus())
  app.on('window-all-closed', () => app.quit())
  void app.whenReady().then(() => {
    serveRenderer()
    const bench = new BenchService()
    app.on('will-quit', () => bench.stop())
    const open = (): void => {
      shown = openWindow(bench)
    }
    open()
    // macOS: the program outlives its window and is asked for a new one from the dock.
    app.on('activate', () => {
      if (shown?.isClosed ?? true) open()
    })
  })
}
