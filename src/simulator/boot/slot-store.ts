// Where a terminal remembers which slot to boot: GPT attribute bits on Qualcomm, bootloader control in misc elsewhere.
import {
  BOOTLOADER_CONTROL_OFFSET,
  BOOTLOADER_CONTROL_SIZE,
  type BootloaderControl,
  type ControlSlot,
  encodeBootloaderControl,
  parseBootloaderControl,
} from '../../main/core/formats/bootctl.ts'
import type { GptEntry } from '../../main/core/formats/gpt.ts'
import { decodeSlotAttributes, encodeSlotAttributes } from '../../main/core/formats/slot-attributes.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { missingCase } from '../../shared/missing-case.ts'
import { otherSlot, SLOTS, type Slot, splitSlot } from '../../shared/units.ts'
import type { SlotScheme } from '../profiles/types.ts'
import type { Disk } from '../storage/disk.ts'
import { INACTIVE_TYPE } from '../storage/layout.ts'

export interface SlotState {
  readonly retryCount: number
  readonly successful: boolean
  readonly unbootable: boolean
}

export interface SlotTable {
  readonly active: Slot
  readonly a: SlotState
  readonly b: SlotState
}

/** The slot metadata of one terminal, as its bootloader handles it. */
export interface SlotStore {
  read(): Promise<SlotTable>
  /** Changes the state of one slot; which one is active stays. */
  update(slot: Slot, state: SlotState): Promise<void>
  /** What `set_active` does: fresh tries, nothing proven. */
  setActive(slot: Slot): Promise<void>
  /** What falling back does: the slot becomes the active one as it is. */
  switchTo(slot: Slot): Promise<void>
}

/** Undefined on terminals without slots. */
export function slotStore(scheme: SlotScheme, disk: Disk): SlotStore | undefined {
  switch (scheme) {
    case 'qualcomm-gpt':
      return new QualcommSlots(disk)
    case 'bootctl-misc':
      return new MiscSlots(disk)
    case 'none':
      return undefined
    default:
      return missingCase(scheme)
  }
}

/** Writes the metadata that a terminal leaves the factory with, where it is not part of the partition table. */
export async function factorySlots(scheme: SlotScheme, disk: Disk): Promise<void> {
  if (scheme === 'bootctl-misc') await new MiscSlots(disk).reset()
}

const FRESH = { retryCount: 7, successful: false, unbootable: false } as const

/** GPT attribute bits (zte-domain §4.3). `boot_X` decides; the other slotted entries follow with their active bit. */
class QualcommSlots implements SlotStore {
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async read(): Promise<SlotTable> {
    const [a, b] = [this.#state('a'), this.#state('b')]
    const bIsActive = b.active === a.active ? b.priority > a.priority : b.active
    return { active: bIsActive ? 'b' : 'a', a, b }
  }

  async update(slot: Slot, state: SlotState): Promise<void> {
    await this.#disk.changeEntries((entry) =>
      entry.name === `boot_${slot}` ? withSlotState(entry, { ...this.#state(slot), ...state }) : entry,
    )
  }

  async setActive(slot: Slot): Promise<void> {
    await this.#activate(slot, FRESH)
  }

  async switchTo(slot: Slot): Promise<void> {
    await this.#activate(slot, this.#state(slot))
  }

  /** The four coordinated changes of §4.3; the LUN of `boot` goes last because its bits decide, then the boot LUN. */
  async #activate(slot: Slot, state: SlotState): Promise<void> {
    const { retryCount, successful, unbootable } = state
    const change = (entry: GptEntry): GptEntry => {
      const name = splitSlot(entry.name)
      if (!name.slot || !this.#disk.find(`${name.base}_${otherSlot(name.slot)}`)) return entry
      const active = name.slot === slot
      const present = decodeSlotAttributes(entry.attributes)
      const boot = active
        ? { priority: 3, active, retryCount, successful, unbootable }
        : { ...present, active, priority: 2 }
      const attributes = encodeSlotAttributes(
        entry.attributes,
        name.base === 'boot' ? boot : { ...present, active },
      )
      return { ...entry, attributes, typeGuid: this.#typeOf(entry, active) }
    }
    await this.#disk.changeEntries(change, this.#disk.get('boot_a').lun)
    await this.#disk.storage.setState({ bootLun: slot })
  }

  /** The pair's own type GUID stands on the active slot; pairs on boot LUNs of their own keep theirs. */
  #typeOf(entry: GptEntry, active: boolean): string {
    const { base, slot } = splitSlot(entry.name)
    const twin = slot && this.#disk.find(`${base}_${otherSlot(slot)}`)
    if (!twin || twin.lun !== this.#disk.find(entry.name)?.lun) return entry.typeGuid
    const twinType = this.#disk.entry(twin.name)?.typeGuid ?? entry.typeGuid
    const own = entry.typeGuid === INACTIVE_TYPE ? twinType : entry.typeGuid
    return active ? own : INACTIVE_TYPE
  }

  #state(slot: Slot) {
    const entry = this.#disk.entry(`boot_${slot}`)
    if (!entry) throw new SlotbenchError('gpt-invalid', `no entry boot_${slot}`)
    return decodeSlotAttributes(entry.attributes)
  }
}

function withSlotState(entry: GptEntry, state: SlotState): GptEntry {
  const present = decodeSlotAttributes(entry.attributes)
  return { ...entry, attributes: encodeSlotAttributes(entry.attributes, { ...present, ...state }) }
}

/** bootloader_control at 0x800 of misc (zte-domain §4.5): one sector, so a write is whole or not there. */
class MiscSlots implements SlotStore {
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async read(): Promise<SlotTable> {
    const { slots } = await this.#control()
    return { active: activeOf(slots), a: stateOf(slots[0] ?? DEAD), b: stateOf(slots[1] ?? DEAD) }
  }

  async update(slot: Slot, state: SlotState): Promise<void> {
    await this.#change((present, of) =>
      of === slot
        ? {
            ...present,
            triesRemaining: state.retryCount,
            successful: state.successful,
            priority: state.unbootable ? 0 : present.priority,
          }
        : present,
    )
  }

  async setActive(slot: Slot): Promise<void> {
    // 15/6/0 for the new one, 14 for the other (what Unisoc's own tool writes, §4.5); a dead slot stays dead.
    await this.#change((present, of) =>
      of === slot
        ? { priority: 15, triesRemaining: 6, successful: false, verityCorrupted: false }
        : { ...present, priority: Math.min(present.priority, 14) },
    )
  }

  async switchTo(slot: Slot): Promise<void> {
    await this.#change((present, of) => (of === slot ? { ...present, priority: 15 } : present))
  }

  /** Both slots proven, a first. */
  async reset(): Promise<void> {
    const slot = (priority: number): ControlSlot => ({
      ...{ priority, triesRemaining: 7, successful: true, verityCorrupted: false },
    })
    await this.#write({
      ...{ suffix: '_a', version: 1, slotCount: 2, recoveryTries: 0, mergeStatus: 0 },
      slots: [slot(15), slot(14)],
    })
  }

  /** A bootloader that finds the record damaged makes a fresh one (AOSP boot HAL does the same). */
  async #control(): Promise<BootloaderControl> {
    const misc = this.#disk.get('misc')
    const read = () => this.#disk.read(misc, BOOTLOADER_CONTROL_OFFSET, BOOTLOADER_CONTROL_SIZE)
    try {
      return parseBootloaderControl(await read())
    } catch (thrown) {
      if (!(thrown instanceof SlotbenchError) || thrown.code !== 'bootctl-invalid') throw thrown
      await this.reset()
      return parseBootloaderControl(await read())
    }
  }

  async #change(change: (present: ControlSlot, slot: Slot) => ControlSlot): Promise<void> {
    const control = await this.#control()
    const slots = SLOTS.map((slot, i) => change(control.slots[i] ?? DEAD, slot))
    await this.#write({ ...control, slots, suffix: `_${activeOf(slots)}` })
  }

  async #write(control: BootloaderControl): Promise<void> {
    const misc = this.#disk.get('misc')
    const { sectorSize } = this.#disk.storage
    const at = Math.floor(BOOTLOADER_CONTROL_OFFSET / sectorSize) * sectorSize
    const sector = await this.#disk.read(misc, at, sectorSize)
    sector.set(encodeBootloaderControl(control), BOOTLOADER_CONTROL_OFFSET - at)
    await this.#disk.write(misc, at, sector)
  }
}

const DEAD: ControlSlot = { priority: 0, triesRemaining: 0, successful: false, verityCorrupted: false }

/** Highest priority, then successful, then tries (zte-domain §4.5). */
function activeOf([a = DEAD, b = DEAD]: readonly ControlSlot[]): Slot {
  const rank = (slot: ControlSlot) => slot.priority * 100 + (slot.successful ? 10 : 0) + slot.triesRemaining
  return rank(b) > rank(a) ? 'b' : 'a'
}

function stateOf(slot: ControlSlot): SlotState {
  return { retryCount: slot.triesRemaining, successful: slot.successful, unbootable: slot.priority === 0 }
}
