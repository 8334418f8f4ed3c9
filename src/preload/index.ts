// The only door between the window and its host: typed, one way, with no access to Electron from the page.
import { contextBridge, ipcRenderer } from 'electron'
import { benchViewSchema, CHANNEL, type SlotbenchApi } from '../shared/contract.ts'

const api: SlotbenchApi = {
  bays: {
    subscribe: (listener) => {
      const onChanged = (_event: Electron.IpcRendererEvent, message: unknown): void =>
        listener(benchViewSchema.parse(message))
      ipcRenderer.on(CHANNEL.baysChanged, onChanged)
      ipcRenderer.send(CHANNEL.baysSubscribe)
      return () => {
        ipcRenderer.off(CHANNEL.baysChanged, onChanged)
      }
    },
  },
}

contextBridge.exposeInMainWorld('slotbench', api)
