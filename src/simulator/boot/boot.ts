// What happens between power and rest: boot ROM, bootloader and kernel decide what runs, and leave their marks.
import { otherSlot, type Slot } from '../../shared/units.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import type { Disk } from '../storage/disk.ts'
import { mountLogical } from '../super/mount.ts'
import { settleUpdate } from '../super/settle-update.ts'
import type { RecoveryMode, StartReason } from '../terminal-state.ts'
import { firmwareRuns } from './firmware.ts'
import { leaveMessage, type MessageWish, readMessage } from './message.ts'
import type { BootRecord, BootVerdict } from './record.ts'
import { type SlotStore, type SlotTable, slotStore } from './slot-store.ts'
import { verifiedBoot } from './verified-boot.ts'

export interface BootInput {
  readonly profile: TerminalProfile
  readonly disk: Disk
  readonly rootOfTrust: Uint8Array
  readonly wanted: StartReason | undefined
  readonly now: () => number
  /** Each attempt, as soon as it is decided. */
  readonly onAttempt?: (record: BootRecord) => void
  /** Waits as long as one attempt takes. @throws PowerLost when the power went meanwhile. */
  readonly attempt: () => Promise<void>
}

export interface BootOutcome {
  readonly state:
    | 'bootloader'
    | 'system'
    | 'bricked'
    | 'rom'
    | 'crashdump'
    | 'boot-loop'
    | 'charging'
    | RecoveryMode
  readonly record: BootRecord
  /** Of the vbmeta images of what was booted; empty where nothing was. */
  readonly properties: ReadonlyMap<string, string>
}

/** A slot that once booted is not counted down any more (Qualcomm's bootloader and AOSP's boot control agree),
 * so a kernel that crashes there restarts for ever. After so many restarts the model calls it a loop. */
const LOOP_AFTER = 3
/** Two slots with seven tries each, and the switches between them, come to rest long before. */
const MOST_ATTEMPTS = 40

/** Runs until the terminal comes to rest. Slot metadata and rollback indices are written as the real thing would. */
export async function boot(input: BootInput): Promise<BootOutcome> {
  const run = new BootRun(input)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const outcome = await run.attempt()
    if (outcome) return outcome
    await input.attempt()
  }
  const record = run.record(undefined, 'kernel-crashed', 'restarts without end')
  return { state: 'boot-loop', record, properties: new Map() }
}

class BootRun {
  readonly #input: BootInput
  readonly #slots: SlotStore | undefined
  #crashes = 0
  #build: string | undefined
  #properties: ReadonlyMap<string, string> = new Map()

  constructor(input: BootInput) {
    this.#input = input
    this.#slots = slotStore(input.profile.slotScheme, input.disk)
  }

  /** One way from the boot ROM up; undefined when the terminal restarts. */
  async attempt(): Promise<BootOutcome | undefined> {
    this.#build = undefined
    this.#properties = new Map()
    if (this.#input.wanted === 'edl')
      return this.#rest('rom', undefined, 'no-bootloader', 'asked to stay in the boot ROM')
    if (this.#input.wanted === 'crash')
      return this.#rest('crashdump', undefined, 'kernel-crashed', 'the boot chain crashed')
    const table = await this.#slots?.read().catch(() => undefined)
    const missing = await this.#brokenFirmware(table?.active)
    if (missing) return this.#rest('rom', undefined, 'no-bootloader', `${missing} cannot be run`)
    const message = await readMessage(this.#input.disk)
    if (this.#input.wanted === 'bootloader' || message === 'bootloader') {
      if (message === 'bootloader') await leaveMessage(this.#input.disk, 'system')
      return this.#rest('bootloader', table?.active, 'bootloader', 'asked to stay in the bootloader')
    }
    const slot = table && (await this.#pick(table))
    if (slot === 'none') return this.#rest('bricked', undefined, 'no-bootable-slot', 'no slot is bootable')
    if (slot === 'switched') return undefined
    return this.#start(slot, table, message)
  }

  record(slot: Slot | undefined, verdict: BootVerdict, reason: string): BootRecord {
    const record = { slot, verdict, build: this.#build, reason, at: this.#input.now() }
    this.#input.onAttempt?.(record)
    return record
  }

  /** Decides the slot, counting down its tries; `switched`: the other one is active now, start over. */
  async #pick(table: SlotTable): Promise<Slot | 'none' | 'switched'> {
    const { active } = table
    const state = table[active]
    if (!state.unbootable && state.successful) return active
    if (!state.unbootable && state.retryCount > 0) {
      await this.#slots?.update(active, { ...state, retryCount: state.retryCount - 1 })
      return active
    }
    return this.#fallBack(table)
  }

  async #fallBack(table: SlotTable): Promise<'none' | 'switched'> {
    const { active } = table
    const dead = { ...table[active], retryCount: 0, successful: false, unbootable: true }
    const other = otherSlot(active)
    const { successful, retryCount, unbootable } = table[other]
    const bootable = !unbootable && (successful || retryCount > 0)
    if (!table[active].unbootable) await this.#slots?.update(active, dead)
    if (!bootable) return 'none'
    await this.#slots?.switchTo(other)
    return 'switched'
  }

  async #start(
    slot: Slot | undefined,
    table: SlotTable | undefined,
    message: MessageWish | undefined,
  ): Promise<BootOutcome | undefined> {
    const { disk, rootOfTrust } = this.#input
    const { unlocked, rollback } = disk.storage.state
    const other = this.#insteadOfSystem(message)
    const upTo = other && 'ramdisk'
    const logical = this.#input.profile.dynamic && !other ? await mountLogical(disk, slot) : undefined
    const result = await verifiedBoot({ disk, slot, unlocked, rootOfTrust, rollback, upTo, logical })
    this.#build = result.build
    this.#properties = result.properties
    if (!result.ok) return this.#failed(slot, table, result)
    if (other) return this.#startOther(other, slot)
    if (slot && table) await this.#slots?.update(slot, { retryCount: 7, successful: true, unbootable: false })
    if (!unlocked) await this.#raiseRollback(result.rollback)
    if (this.#input.profile.dynamic) await settleUpdate(disk, slot)
    return this.#rest('system', slot, 'booted', 'the system is up')
  }

  #insteadOfSystem(message: MessageWish | undefined): RecoveryMode | 'charging' | undefined {
    const { wanted, profile } = this.#input
    if (wanted === 'charging' || wanted === 'recovery') return wanted
    // Userspace fastboot lives in recovery; a recovery without it only shows its menu.
    if (message === 'fastbootd' && !profile.dynamic) return 'recovery'
    return message === 'bootloader' ? undefined : message
  }

  async #startOther(state: RecoveryMode | 'charging', slot: Slot | undefined): Promise<BootOutcome> {
    // A word for fastbootd is for once; recovery keeps its own until it is done, so that a power cut brings it back.
    if (state === 'fastbootd') await leaveMessage(this.#input.disk, 'system')
    return this.#rest(state, slot, 'recovery', `asked to start ${state}`)
  }

  /** A bootloader that refuses an image gives the slot up; a kernel that crashes uses up a try. */
  async #failed(
    slot: Slot | undefined,
    table: SlotTable | undefined,
    result: { readonly verdict: BootVerdict; readonly reason: string },
  ): Promise<BootOutcome | undefined> {
    const record = this.record(slot, result.verdict, result.reason)
    if (result.verdict !== 'kernel-crashed') {
      if (!slot || !table) return { state: 'bricked', record, properties: this.#properties }
      return (await this.#fallBack(table)) === 'switched'
        ? undefined
        : this.#rest('bricked', undefined, 'no-bootable-slot', result.reason)
    }
    this.#crashes += 1
    const counted = slot && table && !table[slot].successful
    if (counted || this.#crashes < LOOP_AFTER) return undefined
    return { state: 'boot-loop', record, properties: this.#properties }
  }

  async #raiseRollback(booted: Readonly<Record<string, number>>): Promise<void> {
    const { storage } = this.#input.disk
    const rollback = { ...storage.state.rollback }
    for (const [location, index] of Object.entries(booted))
      rollback[location] = Math.max(index, rollback[location] ?? 0)
    await storage.setState({ rollback })
  }

  /** The boot ROM runs the first stage of the boot LUN, that one the bootloader of the active slot (§4.3).
   * @returns the name of the first stage that cannot be run. */
  async #brokenFirmware(active: Slot | undefined): Promise<string | undefined> {
    const { profile, disk } = this.#input
    for (const part of profile.partitions) {
      if (part.verification !== 'firmware') continue
      const slot = part.lunB === undefined ? active : disk.storage.state.bootLun
      const name = part.slotted ? `${part.name}_${slot ?? 'a'}` : part.name
      const partition = disk.find(name)
      const runs =
        partition &&
        (await disk.storage.remember([partition], `firmware ${name}`, async () =>
          firmwareRuns(await disk.read(partition)),
        ))
      if (!runs) return name
    }
    return undefined
  }

  #rest(
    state: BootOutcome['state'],
    slot: Slot | undefined,
    verdict: BootVerdict,
    reason: string,
  ): BootOutcome {
    return { state, record: this.record(slot, verdict, reason), properties: this.#properties }
  }
}
