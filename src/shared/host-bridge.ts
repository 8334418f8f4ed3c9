// What a desktop host puts into the page beside the contract: things that only the system's own dialogs and files can do.
import type { Notice } from './contract-views.ts'

export const MENU_ACTIONS = ['open-package', 'wall', 'session', 'packages', 'history', 'settings'] as const
export type MenuAction = (typeof MENU_ACTIONS)[number]

export type SavedFile = { readonly path: string } | { readonly error: Notice }

export interface HostBridge {
  /** Asks for a port of the contract; it comes to the page as a message event with this data. */
  connect(): void
  /** The system's own dialog. @returns undefined when nothing was chosen. */
  pickPackage(): Promise<string | undefined>
  /** Prints the page into a PDF, where the system's own dialog says. @returns undefined when no place was chosen. */
  savePdf(name: string): Promise<SavedFile | undefined>
  /** Where a dropped file lies; empty for one that lies nowhere. `file` is a `File`. */
  pathOf(file: object): string
  /** Calls back for each choice in the window's menu; returns the way to stop. */
  onMenu(listener: (action: MenuAction) => void): () => void
}

/** Names of the messages between a desktop window and its host. */
export const CHANNEL = {
  /** Window → host: send a port. Host → window, and on to the page: here it is. */
  port: 'slotbench:port',
  pickPackage: 'slotbench:pick-package',
  savePdf: 'slotbench:save-pdf',
  menu: 'slotbench:menu',
} as const
