// Where the window was and how large, kept between starts.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, screen } from 'electron'
import { z } from 'zod'

const placeSchema = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(320),
  height: z.number().int().min(240),
  maximised: z.boolean(),
})
export type WindowPlace = z.infer<typeof placeSchema>

const file = (): string => join(app.getPath('userData'), 'window.json')

/** Undefined at the first start, and when the screen that it was on is gone. */
export function lastPlace(): WindowPlace | undefined {
  try {
    const place = placeSchema.parse(JSON.parse(readFileSync(file(), 'utf8')))
    const { workArea } = screen.getDisplayMatching(place)
    const isSeen = place.x < workArea.x + workArea.width && place.y < workArea.y + workArea.height
    return isSeen ? place : undefined
  } catch {
    return undefined
  }
}

export function keepPlace(window: Electron.BrowserWindow): void {
  try {
    const place: WindowPlace = { ...window.getNormalBounds(), maximised: window.isMaximized() }
    writeFileSync(file(), JSON.stringify(place))
  } catch {
    // It opens in the middle next time.
  }
}
