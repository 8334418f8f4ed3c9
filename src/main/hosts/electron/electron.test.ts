// The desktop host's own code on a double of Electron (test/electron-double.ts, which says what that shows).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startDesktop } from '../../../../test/desktop-host.ts'
import { electron, ipcMain } from '../../../../test/electron-double.ts'
import { asElectronPort } from '../../../../test/electron-port.ts'
import { EngineBench } from '../../../../test/engine-bench.ts'
import { BenchClient } from '../../../shared/bench-api.ts'
import type { BenchState } from '../../../shared/contract.ts'
import { CHANNEL } from '../../../shared/host-bridge.ts'
import { electronPort } from './message-port.ts'

vi.mock('electron', async () => (await import('../../../../test/electron-double.ts')).electronModule)

let bench: EngineBench
beforeAll(async () => {
  bench = new EngineBench()
  electron.folder = mkdtempSync(join(tmpdir(), 'slotbench-electron-'))
  await startDesktop(bench)
})
afterAll(async () => {
  await bench.close()
  rmSync(electron.folder, { recursive: true })
})

function shown() {
  const [window] = electron.windows
  if (window === undefined) throw new Error('no window was opened')
  return window
}

async function askForPort(senderFrame: object | null): Promise<unknown> {
  const { posted } = shown().webContents
  const before = posted.length
  ipcMain.emit(CHANNEL.port, { senderFrame })
  await new Promise((resolve) => setTimeout(resolve, 20))
  return posted.length > before ? posted.at(-1)?.ports[0] : undefined
}

describe('the desktop host', () => {
  beforeEach(() => {
    electron.asked = 0
  })

  it('opens a window that is shut in', () => {
    const { options, webContents } = shown()
    expect(options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
    })
    expect(webContents.opener?.()).toEqual({ action: 'deny' })
    for (const event of ['will-navigate', 'will-frame-navigate', 'will-attach-webview']) {
      const preventDefault = vi.fn()
      webContents.emit(event, { preventDefault })
      expect(preventDefault, event).toHaveBeenCalled()
    }
  })

  it('gives its own page a port on the contract, and no other frame', async () => {
    expect(await askForPort({ url: 'https://evil.example' })).toBeUndefined()
    expect(await askForPort(null)).toBeUndefined()
    const port = await askForPort(shown().webContents.mainFrame)
    const client = new BenchClient(async () => electronPort(asElectronPort(port)))
    const state = await new Promise<BenchState>((resolve) =>
      client.subscribe((event) => event.type === 'snapshot' && resolve(event.state)),
    )
    expect(state.settings.firstStartDone).toBe(false)
    // From its sources it does not renew itself.
    expect(state.update).toEqual({ phase: 'unsupported' })
    await client.call('settings.set', { firstStartDone: true })
    expect(bench.engine.settings.settings.firstStartDone).toBe(true)
    client.close()
  })

  it('prints its own page into a file that somebody has chosen, and for no other frame', async () => {
    const { webContents } = shown()
    const file = join(electron.folder, 'certificate.pdf')
    electron.saveAs = file
    expect(await ipcMain.invoke(CHANNEL.savePdf, { url: 'https://evil.example' }, 'x')).toBeUndefined()
    expect(webContents.printed).toEqual([])
    expect(await ipcMain.invoke(CHANNEL.savePdf, webContents.mainFrame, 'b95f6b93')).toEqual({ path: file })
    expect(readFileSync(file, 'latin1')).toMatch(/^%PDF-/)
    expect(webContents.printed).toEqual([expect.objectContaining({ printBackground: true })])
    electron.saveAs = undefined
    expect(await ipcMain.invoke(CHANNEL.savePdf, webContents.mainFrame, 'b95f6b93')).toBeUndefined()
    expect(webContents.printed).toHaveLength(1)
    electron.saveAs = join(electron.folder, 'no/such/folder.pdf')
    const failed = await ipcMain.invoke(CHANNEL.savePdf, webContents.mainFrame, 'b95f6b93')
    expect(failed).toMatchObject({ error: { code: 'host-io' } })
  })

  it('keeps the computer awake while a job runs, shows its progress, and asks before it closes', async () => {
    await bench.plug({ serial: 'NX0001', port: 2, link: { bytesPerSecond: 2_000_000, speed: 'high' } })
    const { engine } = bench
    const rom = await engine.library.add(await bench.rom())
    await vi.waitFor(() => expect(engine.board.sighting('usb:1-2')).toBeDefined())
    const choice = { policy: 'seamless', wipe: false } as const
    const { id } = await engine.planner.make({ bay: 'usb:1-2', rom, choice, survey: true })
    const job = await engine.runner.start(engine.planner.take(id))
    await vi.waitFor(() => expect(electron.blockers.size).toBe(1), { timeout: 10_000 })
    await vi.waitFor(() => expect(shown().progress).toBeGreaterThanOrEqual(0))
    electron.answer = 0
    shown().close()
    await vi.waitFor(() => expect(electron.asked).toBe(1))
    expect(shown().closed).toBe(false)
    await engine.runner.cancel(job)
    await vi.waitFor(() => expect(electron.blockers.size).toBe(0), { timeout: 10_000 })
    await vi.waitFor(() => expect(shown().progress).toBe(-1))
  }, 30_000)

  it('starts the engine again when it dies, and quits only when it has let go', async () => {
    electron.processes[0]?.emit('exit', 139)
    await vi.waitFor(() => expect(electron.processes.length).toBe(2), { timeout: 10_000 })
    shown().close()
    expect(electron.asked).toBe(0)
    expect(shown().closed).toBe(true)
    await vi.waitFor(() => expect(electron.quits).toBe(1), { timeout: 10_000 })
  }, 30_000)
})
