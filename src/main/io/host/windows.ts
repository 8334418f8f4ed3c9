// A Windows host as the doctor wants it: PowerShell is asked first, pnputil where PowerShell is missing or forbidden.
import { connect } from 'node:net'
import type { WindowsInspection } from '../../core/doctor/inspection.ts'
import { PNP_DEVICE_COMMAND, parsePnpDevices, parsePnputil } from '../../core/doctor/windows-texts.ts'
import type { RunProgram } from './run-program.ts'

const ADB_PORT = 5037
const CONNECT_MS = 500

export interface WindowsHost {
  readonly run: RunProgram
  /** Whether somebody listens on that port of this machine. */
  readonly listens?: (port: number) => Promise<boolean>
}

/** Never throws; what kept it from reading is in `failure`. */
export async function inspectWindows({
  run,
  listens = listensLocally,
}: WindowsHost): Promise<WindowsInspection> {
  const adbServer = (await listens(ADB_PORT)) ? { pid: undefined } : undefined
  // Without UTF-8 the names of devices come in the console's code page.
  const script = `[Console]::OutputEncoding=[Text.Encoding]::UTF8; ${PNP_DEVICE_COMMAND}`
  const shell = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script])
  const nodes = shell.code === 0 ? parsePnpDevices(shell.stdout) : undefined
  if (nodes !== undefined) return { platform: 'win32', nodes, adbServer, failure: undefined }
  const util = await run('pnputil.exe', ['/enum-devices', '/connected', '/drivers'])
  if (util.code === 0)
    return { platform: 'win32', nodes: parsePnputil(util.stdout), adbServer, failure: undefined }
  const failure = 'neither PowerShell’s Get-PnpDevice nor pnputil listed the USB devices'
  return { platform: 'win32', nodes: [], adbServer, failure }
}

async function listensLocally(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_MS })
  socket.once('connect', () => resolve(true))
  socket.once('timeout', () => resolve(false))
  socket.once('error', () => resolve(false))
  const answer = await promise
  socket.destroy()
  return answer
}
