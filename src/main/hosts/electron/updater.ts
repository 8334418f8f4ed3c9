// Fetches and installs newer versions of the program, when the engine says so; the address comes with the package.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { app } from 'electron'
import electronUpdater from 'electron-updater'
import { type UpdateReport, updateOrderSchema } from '../update-messages.ts'
import type { BenchService } from './bench-service.ts'

/** Put beside the program by electron-builder when it was made with an address. */
const ADDRESS_FILE = 'app-update.yml'

export class Updater {
  readonly #bench: BenchService
  readonly #updater = electronUpdater.autoUpdater
  #token = new electronUpdater.CancellationToken()
  /** The library gives out the running download to whoever asks for another one. */
  #download: Promise<unknown> = Promise.resolve()

  constructor(bench: BenchService) {
    this.#bench = bench
    // Nothing is fetched or installed that nobody has asked for.
    this.#updater.autoDownload = false
    this.#updater.autoInstallOnAppQuit = false
    this.#updater.logger = null
    this.#updater.on('download-progress', ({ transferred, total }) =>
      this.#tell({ update: 'progress', done: Math.floor(transferred), total: Math.floor(total) }),
    )
    const configured = existsSync(join(process.resourcesPath, ADDRESS_FILE))
    bench.onSpawn(() => {
      // What an engine that is gone had asked for, nobody waits for any more.
      this.#token.cancel()
      this.#tell({ update: 'ready', configured })
    })
    bench.onMessage((message) => {
      const order = updateOrderSchema.safeParse(message)
      if (order.success) void this.#carryOut(order.data.update)
    })
  }

  async #carryOut(order: 'check' | 'download' | 'cancel' | 'install'): Promise<void> {
    try {
      if (order === 'check') await this.#check()
      else if (order === 'download') await this.#fetch()
      else if (order === 'cancel') this.#token.cancel()
      else await this.#install()
    } catch (thrown) {
      const detail = thrown instanceof Error ? thrown.message : String(thrown)
      this.#tell({ update: 'failed', detail: detail.slice(0, 2_000) })
    }
  }

  async #check(): Promise<void> {
    const found = await this.#updater.checkForUpdates()
    if (found?.isUpdateAvailable === true)
      this.#tell({ update: 'found', version: found.updateInfo.version.slice(0, 200) })
    else this.#tell({ update: 'none' })
  }

  async #fetch(): Promise<void> {
    const token = new electronUpdater.CancellationToken()
    this.#token = token
    await this.#download.catch(() => {})
    if (token.cancelled) return
    this.#download = this.#updater.downloadUpdate(token)
    try {
      await this.#download
      if (!token.cancelled) this.#tell({ update: 'downloaded' })
    } catch (thrown) {
      if (!token.cancelled) throw thrown
    }
  }

  /** The engine lets go of every terminal before anything is replaced. */
  async #install(): Promise<void> {
    await this.#bench.close()
    const startAgain = (): void => {
      app.relaunch()
      app.quit()
    }
    this.#updater.once('error', startAgain)
    try {
      this.#updater.quitAndInstall(false, true)
    } catch {
      startAgain()
    }
  }

  #tell(report: UpdateReport): void {
    this.#bench.send(report)
  }
}
