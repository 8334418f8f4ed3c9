// Electron's entry.
import { startApp } from './hosts/electron/app.ts'

startApp()
