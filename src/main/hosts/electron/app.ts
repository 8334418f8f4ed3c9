// The desktop program: one instance, one window, and a process of its own for the engine.
import { app, Menu, Notification, protocol } from 'electron'
import type { JobView } from '../../../shared/contract.ts'
import { BenchService } from './bench-service.ts'
import { buildMenu } from './menu.ts'
import { SCHEME, serveRenderer } from './renderer-protocol.ts'
import { Updater } from './updater.ts'
import { openWindow, type ShownWindow } from './window.ts'
import { WorkWatch } from './work-watch.ts'

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
    const watch = new WorkWatch(bench, {
      onProgress: (share) => shown?.progress(share),
      onEnded: (job) => {
        if (shown?.isFocused !== true) announce(job)
      },
    })
    closeInOrder(bench, watch)
    // Sources are renewed by whoever has them.
    if (app.isPackaged) new Updater(bench)
    const open = (): void => {
      shown = openWindow({ bench, running: () => watch.running.length })
    }
    Menu.setApplicationMenu(buildMenu((action) => shown?.act(action)))
    open()
    // macOS: the program outlives its window and is asked for a new one from the dock.
    app.on('activate', () => {
      if (shown?.isClosed ?? true) open()
    })
  })
}

/** Quits only when the engine has let go of every terminal. */
function closeInOrder(bench: BenchService, watch: WorkWatch): void {
  let closed = false
  app.on('will-quit', (event) => {
    if (closed) return
    event.preventDefault()
    watch.close()
    void bench.close().finally(() => {
      closed = true
      app.quit()
    })
  })
}

function announce(job: JobView): void {
  if (!Notification.isSupported()) return
  const who = job.product ?? job.serial ?? job.bay
  const good = job.state === 'done'
  const body = good ? 'Done: seen booting the new build.' : (job.problem?.meaning ?? job.state)
  new Notification({ title: `${who} (${job.bay})`, body }).show()
}
