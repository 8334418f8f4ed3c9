// The window's menu: what the keyboard can do, where people look for it.
import { Menu } from 'electron'
import type { MenuAction } from '../../../shared/host-bridge.ts'

export function buildMenu(act: (action: MenuAction) => void): Menu {
  const item = (label: string, accelerator: string, action: MenuAction) => ({
    ...{ label, accelerator, click: () => act(action) },
  })
  return Menu.buildFromTemplate([
    {
      label: '&File',
      submenu: [
        item('&Open package…', 'CmdOrCtrl+O', 'open-package'),
        { type: 'separator' },
        { role: 'quit' },
      ],
    },
    { role: 'editMenu' },
    {
      label: '&Go',
      submenu: [
        item('&Bays', 'Alt+1', 'wall'),
        item('&Session', 'Alt+2', 'session'),
        item('&Packages', 'Alt+3', 'packages'),
        item('&History', 'Alt+4', 'history'),
        item('S&ettings', 'CmdOrCtrl+,', 'settings'),
      ],
    },
    {
      label: '&View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
      ],
    },
  ])
}
