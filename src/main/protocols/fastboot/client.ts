// The commands of the fastboot protocol, one method each (AOSP fastboot README, bootloader and fastbootd).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Slot } from '../../../shared/units.ts'
import type { Transport } from '../transport.ts'
import { FastbootChannel, type MessageListener, type Okay } from './channel.ts'
import type { CommandKind } from './deadlines.ts'
import type { Parts } from './transfers.ts'
import { parseVariables } from './variables.ts'

export interface DownloadOptions extends IoOptions {
  /** Bytes sent so far. */
  readonly onSent?: (bytes: number) => void
}

/** Which part of a partition to read; without it, all of it. Bytes. */
export interface FetchRange {
  readonly offset: number
  readonly length: number
}

const MAX_U32 = 0xffff_ffff

/** One connection to a terminal in fastboot. After any broken exchange every further call fails with the same code. */
export class FastbootClient {
  readonly #channel: FastbootChannel

  constructor(transport: Transport, onMessage?: MessageListener) {
    this.#channel = new FastbootChannel(transport, onMessage)
  }

  get failure(): SlotbenchError | undefined {
    return this.#channel.failure
  }

  /** Drops replies that an earlier program left on their way. Needed on USB, where a connection has no beginning. */
  async synchronise(o: IoOptions): Promise<void> {
    await this.#channel.synchronise(o)
  }

  /** The value, `''` when the terminal answers with nothing (old ones do so for unknown variables), or undefined when it
   * says FAIL. */
  async getvar(name: string, o: IoOptions): Promise<string | undefined> {
    try {
      return (await this.#run('getvar', `getvar:${name}`, o)).text.trim()
    } catch (thrown) {
      if (thrown instanceof SlotbenchError && thrown.code === 'terminal-refused') return undefined
      throw thrown
    }
  }

  /** Every variable the terminal lists; empty where it refuses or lists nothing (Unisoc). */
  async getvarAll(o: IoOptions): Promise<ReadonlyMap<string, string>> {
    try {
      const { infos, text } = await this.#run('getvar', 'getvar:all', o)
      return parseVariables([...infos, text])
    } catch (thrown) {
      if (thrown instanceof SlotbenchError && thrown.code === 'terminal-refused') return new Map()
      throw thrown
    }
  }

  /** Puts `size` bytes into the terminal's memory, for `flash`, `boot` or `update-super`.
   * @param parts must add up to `size`. */
  async download(size: number, parts: Parts, o: DownloadOptions): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 1 || size > MAX_U32)
      throw new SlotbenchError('internal', `a download of ${size} bytes cannot be announced`)
    await this.#channel.send(`download:${hex8(size)}`, { size, parts }, o)
  }

  /** Writes what was downloaded to a partition. */
  async flash(partition: string, o: IoOptions): Promise<Okay> {
    return await this.#run('flash', `flash:${partition}`, o)
  }

  async erase(partition: string, o: IoOptions): Promise<Okay> {
    return await this.#run('erase', `erase:${partition}`, o)
  }

  async setActive(slot: Slot, o: IoOptions): Promise<Okay> {
    return await this.#run('set-active', `set_active:${slot}`, o)
  }

  /** Reads a partition back; the range must lie in it and be at most `max-fetch-size`. */
  fetch(
    partition: string,
    o: IoOptions,
    range?: FetchRange,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    if (range === undefined) return this.#channel.receive('fetch', `fetch:${partition}`, o)
    const command = `fetch:${partition}:0x${hex8(range.offset)}:0x${hex8(range.length)}`
    return this.#channel.receive('fetch', command, { ...o, expected: range.length })
  }

  /** Reads what the last `oem` command staged. */
  upload(o: IoOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return this.#channel.receive('upload', 'upload', o)
  }

  /** Boots the downloaded image once. The connection ends. */
  async boot(o: IoOptions): Promise<void> {
    await this.#channel.depart('boot', 'boot', o)
  }

  /** Restarts the terminal. The connection ends. */
  async reboot(o: IoOptions, to?: 'bootloader' | 'recovery' | 'fastboot'): Promise<void> {
    await this.#channel.depart('reboot', to === undefined ? 'reboot' : `reboot-${to}`, o)
  }

  /** Lets the terminal go on booting. The connection ends. */
  async continue(o: IoOptions): Promise<void> {
    await this.#channel.depart('reboot', 'continue', o)
  }

  async powerdown(o: IoOptions): Promise<void> {
    await this.#channel.depart('reboot', 'powerdown', o)
  }

  /** @param words what follows `oem `. */
  async oem(words: string, o: IoOptions): Promise<Okay> {
    return await this.#run('oem', `oem ${words}`, o)
  }

  /** @param words `lock`, `unlock`, `lock_critical`, `unlock_critical`, `get_unlock_ability`, … */
  async flashing(words: string, o: IoOptions): Promise<Okay> {
    return await this.#run('flashing', `flashing ${words}`, o)
  }

  async createLogicalPartition(partition: string, size: number, o: IoOptions): Promise<void> {
    await this.#run('logical-partition', `create-logical-partition:${partition}:${size}`, o)
  }

  async resizeLogicalPartition(partition: string, size: number, o: IoOptions): Promise<void> {
    await this.#run('logical-partition', `resize-logical-partition:${partition}:${size}`, o)
  }

  async deleteLogicalPartition(partition: string, o: IoOptions): Promise<void> {
    await this.#run('logical-partition', `delete-logical-partition:${partition}`, o)
  }

  /** The downloaded image must come from lpmake and must not be sparse. */
  async updateSuper(partition: string, o: IoOptions & { readonly wipe: boolean }): Promise<void> {
    await this.#run('update-super', `update-super:${partition}${o.wipe ? ':wipe' : ''}`, o)
  }

  async snapshotUpdate(action: 'cancel' | 'merge', o: IoOptions): Promise<void> {
    await this.#run('snapshot', `snapshot-update:${action}`, o)
  }

  async gsi(action: 'wipe' | 'disable' | 'status', o: IoOptions): Promise<Okay> {
    return await this.#run('gsi', `gsi:${action}`, o)
  }

  async close(): Promise<void> {
    await this.#channel.close()
  }

  async #run(kind: CommandKind, command: string, o: IoOptions): Promise<Okay> {
    return await this.#channel.command(kind, command, o)
  }
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
