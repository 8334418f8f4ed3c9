// A terminal in its bootloader or in fastbootd, opened: facts, writing, reading back, slots, restarts.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { BayId, Bytes, PartitionName, Sha256, Slot } from '../../../shared/units.ts'
import type { ImageSource } from '../../core/source.ts'
import type { MessageListener } from '../../protocols/fastboot/channel.ts'
import { FastbootClient } from '../../protocols/fastboot/client.ts'
import type {
  Capabilities,
  FlashSession,
  RebootTarget,
  ResizeOptions,
  Sighting,
  WriteOptions,
  WriteReceipt,
} from '../types.ts'
import { type FactContext, factsFromVariables } from './facts.ts'
import { flashImage } from './flash-image.ts'
import {
  deleteLogical,
  meaningOf,
  resizeLogical,
  type SuperEditor,
  snapshotUpdate,
  updateSuper,
} from './logical.ts'
import { readBack, readInstalledVbmeta } from './read-back.ts'
import { VariableReader } from './read-facts.ts'
import { readSuperTables } from './read-super.ts'

export interface OpenSessionOptions extends IoOptions {
  /** INFO and TEXT of the terminal, as they come. */
  readonly onMessage?: MessageListener
}

/** Opens what was sighted and reads its facts.
 * @throws SlotbenchError what opening the link throws, and `terminal-*` when it does not speak fastboot. */
export async function openFastbootSession(sighting: Sighting, o: OpenSessionOptions): Promise<FlashSession> {
  const place = { bay: sighting.bay, ...(sighting.serial !== undefined && { terminal: sighting.serial }) }
  const transport = await sighting.open(o)
  const client = new FastbootClient(transport, o.onMessage)
  try {
    // A USB link has no beginning: an earlier program may have left replies in it.
    if (sighting.usb !== undefined) await client.synchronise(o)
    const session = new FastbootSession(client, sighting)
    await session.refresh(o)
    return session
  } catch (thrown) {
    await client.close()
    throw asSlotbenchError(thrown).at(place)
  }
}

class FastbootSession implements FlashSession {
  readonly protocol = 'fastboot'
  readonly bay: BayId
  readonly #client: FastbootClient
  readonly #reader: VariableReader
  #context: FactContext
  #facts: TerminalFacts
  #readable = false

  constructor(client: FastbootClient, sighting: Sighting) {
    this.bay = sighting.bay
    this.#client = client
    this.#reader = new VariableReader(client)
    this.#context = { bay: sighting.bay, usbSerial: sighting.serial, usbProduct: sighting.product }
    this.#facts = factsFromVariables(new Map(), this.#context)
  }

  get facts(): TerminalFacts {
    return this.#facts
  }

  get can(): Capabilities {
    const { slotCount, currentSlot, mode } = this.#facts
    return {
      readBack: this.#readable,
      setActive: (slotCount?.value ?? (currentSlot === undefined ? 0 : 2)) >= 2,
      logicalPartitions: mode === 'fastbootd',
    }
  }

  async refresh(o: IoOptions): Promise<TerminalFacts> {
    return await this.#placed(async () => {
      await this.#reader.readAll(o)
      this.#update()
      await this.#lookAtVbmeta(o)
      await this.#lookAtSuper(o)
      return this.#update()
    })
  }

  async describe(names: readonly string[], o: IoOptions): Promise<TerminalFacts> {
    return await this.#placed(async () => {
      await this.#reader.lookAtPartitions(names, o)
      return this.#update()
    })
  }

  async write(target: PartitionName, image: ImageSource, o: WriteOptions): Promise<WriteReceipt> {
    return await this.#placed(async () => {
      const room = this.#facts.partitions[target]?.size
      if (room !== undefined && image.size > room)
        throw new SlotbenchError(
          'image-too-large',
          `${image.size} bytes do not fit into ${target} (${room} bytes)`,
        )
      const zeroHoles = image.sha256 !== undefined || this.#readable
      const maxDownload = this.#facts.maxDownload?.value
      return await flashImage({ client: this.#client, target, image, maxDownload, zeroHoles }, o)
    })
  }

  async digest(target: PartitionName, size: Bytes, o: WriteOptions): Promise<Sha256> {
    return await this.#placed(async () => {
      const hasher = o.workshop.hasher()
      let done = 0
      try {
        for await (const piece of this.#readBack(target, size, o)) {
          // The hasher takes the memory away, also that of bytes which are still to be handed out.
          await hasher.update(new Uint8Array(piece))
          done += piece.length
          o.onProgress?.(done, size)
        }
        return await hasher.digest()
      } finally {
        hasher.close()
      }
    })
  }

  async *read(
    target: PartitionName,
    size: Bytes,
    o: IoOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      yield* this.#readBack(target, size, o)
    } catch (thrown) {
      throw this.#at(thrown)
    }
  }

  async erase(target: PartitionName, o: IoOptions): Promise<void> {
    await this.#placed(() => this.#client.erase(target, o))
  }

  async setActive(slot: Slot, o: IoOptions): Promise<void> {
    await this.#placed(() => this.#client.setActive(slot, o))
  }

  async deleteLogical(target: PartitionName, o: IoOptions): Promise<void> {
    await this.#changeSuper((editor) => deleteLogical(editor, target, o))
  }

  async resizeLogical(target: PartitionName, size: Bytes, o: ResizeOptions): Promise<void> {
    await this.#changeSuper((editor) => resizeLogical(editor, { target, size }, o))
  }

  async updateSuper(tables: ImageSource, wipe: boolean, o: WriteOptions): Promise<void> {
    const superName = this.#facts.superPartition?.value ?? 'super'
    await this.#changeSuper((editor) => updateSuper(editor, { superName, tables, wipe }, o))
  }

  async snapshotUpdate(action: 'cancel' | 'merge', o: IoOptions): Promise<void> {
    await this.#changeSuper((editor) => snapshotUpdate(editor, action, o))
  }

  async reboot(to: RebootTarget, o: IoOptions): Promise<void> {
    await this.#placed(async () => this.#client.reboot(o, rebootWord(to)))
    await this.close()
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #changeSuper(change: (editor: SuperEditor) => Promise<void>): Promise<void> {
    await this.#placed(async () => {
      if (!this.can.logicalPartitions)
        throw new SlotbenchError('terminal-wrong-mode', 'logical partitions are changed in fastbootd only')
      try {
        await change({ client: this.#client, reader: this.#reader })
      } finally {
        // The tables that were read are those of before, whether the change ended well or not.
        this.#context = { ...this.#context, superTables: undefined }
        this.#update()
      }
    })
  }

  #readBack(
    target: PartitionName,
    size: Bytes,
    o: IoOptions,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    const maxFetch = this.#facts.maxFetch?.value
    if (!this.#readable || maxFetch === undefined)
      throw new SlotbenchError('terminal-refused', 'this terminal does not let its partitions be read')
    return readBack(this.#client, { partition: target, size, maxFetch }, o)
  }

  async #lookAtVbmeta(o: IoOptions): Promise<void> {
    const maxFetch = this.#facts.maxFetch?.value
    this.#readable = false
    if (maxFetch === undefined) return
    const sizeOf = async (partition: string) => {
      await this.#reader.look([`partition-size:${partition}`], o)
      return this.#update().partitions[partition]?.size
    }
    const place = { currentSlot: this.#facts.currentSlot?.value, maxFetch, sizeOf }
    const { readable, rollback, avbKey } = await readInstalledVbmeta(this.#client, place, o)
    this.#readable = readable
    this.#context = { ...this.#context, rollback, avbKey, readable }
  }

  async #lookAtSuper(o: IoOptions): Promise<void> {
    const { mode, maxFetch, superPartition, currentSlot } = this.#facts
    if (mode !== 'fastbootd' || maxFetch === undefined) return
    const place = {
      superName: superPartition?.value ?? 'super',
      slot: currentSlot?.value,
      maxFetch: maxFetch.value,
    }
    this.#context = { ...this.#context, superTables: await readSuperTables(this.#client, place, o) }
  }

  #update(): TerminalFacts {
    this.#facts = factsFromVariables(this.#reader.variables, this.#context)
    return this.#facts
  }

  async #placed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      throw this.#at(thrown)
    }
  }

  #at(thrown: unknown): SlotbenchError {
    const serial = this.#facts.serial?.value
    const error = asSlotbenchError(thrown).at({
      bay: this.bay,
      ...(serial !== undefined && { terminal: serial }),
    })
    return this.#facts.mode === 'fastbootd' ? meaningOf(error) : error
  }
}

/** @throws SlotbenchError `terminal-refused` for modes that no fastboot command leads to (AOSP fastboot README; `oem edl` and
 * `reboot-edl` are absent on ZTE, zte-domain §2.4). */
function rebootWord(to: RebootTarget): 'bootloader' | 'recovery' | 'fastboot' | undefined {
  switch (to) {
    case 'system':
      return undefined
    case 'bootloader':
      return 'bootloader'
    case 'fastbootd':
      return 'fastboot'
    case 'recovery':
      return 'recovery'
    case 'sideload':
      throw new SlotbenchError(
        'terminal-refused',
        'fastboot leads to recovery only; choose “Apply update from ADB” there',
      )
    case 'edl':
      throw new SlotbenchError(
        'terminal-refused',
        'fastboot does not lead to EDL; use `adb reboot edl`, or power off and plug in with both volume keys held',
      )
    default:
      return missingCase(to)
  }
}
