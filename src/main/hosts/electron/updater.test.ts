// Updates from the engine's decision to the library's calls, on doubles of Electron and of electron-updater; nothing is fetched here.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startDesktop } from '../../../../test/desktop-host.ts'
import { electron } from '../../../../test/electron-double.ts'
import { EngineBench, TestWindow } from '../../../../test/engine-bench.ts'

const library = vi.hoisted(() => ({
  checks: 0,
  newest: '0.2.0' as string | undefined,
  downloads: [] as { finish(): void; fail(error: Error): void; readonly isCancelled: () => boolean }[],
  installs: 0,
}))

vi.mock('electron', async () => (await import('../../../../test/electron-double.ts')).electronModule)
vi.mock('electron-updater', async () => {
  const { EventEmitter } = await import('node:events')
  class CancellationToken extends EventEmitter {
    cancelled = false
    cancel(): void {
      this.cancelled = true
      this.emit('cancel')
    }
  }
  class AutoUpdater extends EventEmitter {
    autoDownload = true
    autoInstallOnAppQuit = true
    checkForUpdates = async () => {
      library.checks += 1
      const { newest } = library
      return { isUpdateAvailable: newest !== undefined, updateInfo: { version: newest ?? '0.1.0' } }
    }
    downloadUpdate(token: CancellationToken): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      token.once('cancel', () => reject(new Error('cancelled')))
      library.downloads.push({ finish: resolve, fail: reject, isCancelled: () => token.cancelled })
      this.emit('download-progress', { transferred: 10.5, total: 100 })
      return promise
    }
    quitAndInstall(): void {
      library.installs += 1
    }
  }
  return { default: { autoUpdater: new AutoUpdater(), CancellationToken } }
})

let bench: EngineBench
let window: TestWindow
let rom: string
beforeAll(async () => {
  bench = new EngineBench()
  electron.folder = mkdtempSync(join(tmpdir(), 'slotbench-updater-'))
  electron.packaged = true
  vi.stubEnv('SLOTBENCH_ENGINE', '/tmp/another-engine.js')
  vi.stubEnv('ELECTRON_RENDERER_URL', 'https://evil.example')
  Object.defineProperty(process, 'resourcesPath', { value: electron.folder, configurable: true })
  writeFileSync(join(electron.folder, 'app-update.yml'), 'provider: generic\nurl: https://updates.example\n')
  await startDesktop(bench)
  window = new TestWindow(bench)
  rom = await bench.engine.library.add(await bench.rom())
})
afterAll(async () => {
  vi.unstubAllEnvs()
  window.client.close()
  await bench.close().catch(() => {})
  rmSync(electron.folder, { recursive: true })
})

const phase = (name: string) => window.until(({ update }) => update.phase === name)
let port = 0
/** On a terminal of its own: one whose job was stopped in mid-write may want its cable pulled first. */
async function startJob(): Promise<string> {
  const { planner, runner, board } = bench.engine
  port += 1
  await bench.plug({ serial: `NX000${port}`, port, link: { bytesPerSecond: 500_000, speed: 'high' } })
  const bay = `usb:1-${port}`
  await vi.waitFor(() => expect(board.sighting(bay)).toBeDefined())
  const choice = { policy: 'seamless', wipe: false } as const
  const { id } = await planner.make({ bay, rom, choice, survey: true })
  return runner.start(planner.take(id))
}

it('a packaged program runs its own engine and shows its own page, whatever the environment says', () => {
  expect(electron.processes[0]?.entry).toMatch(/bench-process\.js$/)
  expect(electron.windows[0]?.shown).toBe('slotbench://app/index.html')
})

describe('updates', () => {
  it('are looked for at the start, and nothing is fetched that nobody has asked for', async () => {
    const { update } = await phase('available')
    expect(update).toEqual({ phase: 'available', version: '0.2.0' })
    expect(library).toMatchObject({ checks: 1, installs: 0 })
    expect(library.downloads).toEqual([])
  })

  it('are not fetched while a job runs, but when it has ended', async () => {
    const job = await startJob()
    await window.client.call('update.download', {})
    await phase('waiting')
    expect(library.downloads).toEqual([])
    await bench.engine.runner.cancel(job)
    await phase('downloading')
    await vi.waitFor(() => expect(library.downloads.length).toBe(1))
    await window.until(({ update }) => update.phase === 'downloading' && update.done === 10)
  }, 30_000)

  it('give way to a job that starts while they are fetched, and go on after it', async () => {
    const job = await startJob()
    await phase('waiting')
    await vi.waitFor(() => expect(library.downloads[0]?.isCancelled()).toBe(true))
    await bench.engine.runner.cancel(job)
    await vi.waitFor(() => expect(library.downloads.length).toBe(2))
    library.downloads[1]?.finish()
    await phase('downloaded')
  }, 30_000)

  it('are not installed while a job runs, and keep a job from starting once they are', async () => {
    const job = await startJob()
    await expect(window.client.call('update.install', {})).rejects.toMatchObject({ code: 'update-busy' })
    expect(window.state?.update).toEqual({ phase: 'downloaded', version: '0.2.0' })
    expect(library.installs).toBe(0)
    await bench.engine.runner.cancel(job)

    // Holds the installation back, so that it can be looked at.
    const close = vi.spyOn(bench.engine, 'close')
    const held = Promise.withResolvers<void>()
    close.mockImplementationOnce(() => held.promise)
    await window.client.call('update.install', {})
    await phase('installing')
    await expect(startJob()).rejects.toMatchObject({ code: 'update-busy' })
    expect(library.installs).toBe(0)
    held.resolve()
    await vi.waitFor(() => expect(library.installs).toBe(1))
  }, 30_000)
})
