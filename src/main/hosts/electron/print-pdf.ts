// The page that a window shows, printed into a file of somebody's choice.
import { writeFile } from 'node:fs/promises'
import { type BrowserWindow, dialog } from 'electron'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { SavedFile } from '../../../shared/host-bridge.ts'
import { noticeOf } from '../bench-view.ts'

/** The style sheet for paper decides what of it is printed. @returns undefined when no place was chosen. */
export async function savePdf(window: BrowserWindow, name: string): Promise<SavedFile | undefined> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    // A job's number and nothing that leads into other folders.
    defaultPath: `${name.replace(/[^\w-]+/g, '_').slice(0, 80)}.pdf`,
    filters: [{ name: 'PDF', extensions: ['pdf'] }],
  })
  if (canceled || filePath === '') return undefined
  try {
    const pdf = await window.webContents.printToPDF({ printBackground: true, preferCSSPageSize: true })
    await writeFile(filePath, pdf)
    return { path: filePath }
  } catch (cause) {
    return { error: noticeOf(new SlotbenchError('host-io', `${filePath} could not be written`, { cause })) }
  }
}
