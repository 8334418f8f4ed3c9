// The only door between the window and its host: no access to Electron from the page, only these calls and a port.
import { contextBridge, ipcRenderer, webUtils } from 'electron'
import { CHANNEL, type HostBridge, MENU_ACTIONS } from '../shared/host-bridge.ts'

const bridge: HostBridge = {
  connect: () => ipcRenderer.send(CHANNEL.port),
  pickPackage: async () => {
    const path: unknown = await ipcRenderer.invoke(CHANNEL.pickPackage)
    return typeof path === 'string' ? path : undefined
  },
  savePdf: (name) => ipcRenderer.invoke(CHANNEL.savePdf, name) as ReturnType<HostBridge['savePdf']>,
  pathOf: (file) => webUtils.getPathForFile(file as Parameters<typeof webUtils.getPathForFile>[0]),
  onMenu: (listener) => {
    const onAction = (_event: Electron.IpcRendererEvent, name: unknown): void => {
      const action = MENU_ACTIONS.find((known) => known === name)
      if (action !== undefined) listener(action)
    }
    ipcRenderer.on(CHANNEL.menu, onAction)
    return () => {
      ipcRenderer.off(CHANNEL.menu, onAction)
    }
  },
}

contextBridge.exposeInMainWorld('slotbenchHost', bridge)

/** The page's own window, as far as this file needs it: it is compiled without the types of a page. */
interface PageWindow {
  readonly location: { readonly origin: string }
  postMessage(message: unknown, target: string, transfer: readonly unknown[]): void
}

// A port cannot pass the bridge of the contexts; it goes to the page as the page's own message.
ipcRenderer.on(CHANNEL.port, (event) => {
  const page = globalThis as unknown as PageWindow
  page.postMessage(CHANNEL.port, page.location.origin, event.ports)
})
