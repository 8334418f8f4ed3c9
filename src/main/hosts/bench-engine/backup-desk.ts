// The backups of the terminal on a bay: listed, checked, made, copied elsewhere, and planned to go back.
import { resolve } from 'node:path'
import type { BackupTerminal } from '../../../shared/backup.ts'
import type { BackupView, PlanView, Result } from '../../../shared/contract.ts'
import type { Plan } from '../../../shared/plan.ts'
import { notItsBackup } from '../../core/plan/backup-terminal.ts'
import { canReadBack } from '../../core/plan/surveyed.ts'
import type { StoredBackup } from '../../io/files/backup-store.ts'
import { knownIdentity } from '../known-identity.ts'
import { keepBackup, planRestoreOf, type RestoreOf } from '../terminal-backups.ts'
import { clipAll } from './clip.ts'
import { onPartitions, type PartitionWorkParts } from './partition-work.ts'

const MOST_SHOWN = 200

export class BackupDesk {
  readonly #parts: PartitionWorkParts
  /** One backup is read at a time: a disk that has to seek between many reads none of them well. */
  #lastCheck: Promise<unknown> = Promise.resolve()

  constructor(parts: PartitionWorkParts) {
    this.#parts = parts
  }

  async list(bay: string): Promise<Result<'backups.list'>> {
    const terminal = this.#terminal(bay)
    const all = await this.#parts.bench.backups.list()
    const own = all.filter((backup) => notItsBackup(backup.terminal, terminal) === undefined)
    return {
      backups: own.slice(0, MOST_SHOWN).map(backupView),
      nameless: terminal.serial === undefined && terminal.chipSerial === undefined,
      canKeep: this.#canKeep(bay),
    }
  }

  /** @throws SlotbenchError `backup-not-found`, `backup-damaged`. */
  check(id: string): Promise<void> {
    const { backups } = this.#parts.bench
    const checked = this.#lastCheck.then(async () => backups.check(await backups.find(id)))
    this.#lastCheck = checked.catch(() => {})
    return checked
  }

  /** @throws SlotbenchError `bay-empty`, `bay-busy`, and what `keepBackup` throws. */
  async make(bay: string): Promise<BackupView> {
    const { bench } = this.#parts
    const kept = await onPartitions(this.#parts, bay, { kind: 'backing-up' }, (session, signal) =>
      keepBackup(bench, session, { signal }),
    )
    return backupView(kept)
  }

  /** @returns the folder of the copy.
   * @throws SlotbenchError `backup-not-found`, `backup-damaged`, `host-io`, `host-space`. */
  async export(id: string, folder: string): Promise<string> {
    const { backups } = this.#parts.bench
    return backups.export(await backups.find(id), resolve(folder))
  }

  /** For a window: the plan stays with the planner until it is started. */
  async makePlan(request: { readonly bay: string; readonly backup: string }): Promise<PlanView> {
    return this.#parts.planner.keep(await this.plan(request))
  }

  /** @throws SlotbenchError `bay-empty`, `bay-busy`, and what `planRestoreOf` throws. */
  plan({ bay, ...of }: Omit<RestoreOf, 'batteryLimit'> & { readonly bay: string }): Promise<Plan> {
    const { bench, settings } = this.#parts
    const { batteryLimit } = settings.settings
    return onPartitions(this.#parts, bay, { kind: 'planning' }, (session) =>
      planRestoreOf(bench, session, { ...of, batteryLimit }),
    )
  }

  /** By all that is known of it: what it said last, what shows without opening it, and what it was in another mode. */
  #terminal(bay: string): BackupTerminal {
    const { bench, board } = this.#parts
    const sighting = board.sighting(bay)
    if (sighting === undefined) return {}
    const read = board.reading(bay)?.facts
    const { chipSerial: chip } = sighting
    // In EDL the port does not show by a serial number that another terminal came.
    const facts = chip === undefined || read?.chipSerial?.value === chip ? read : undefined
    const known = knownIdentity(bench.known, sighting, new Date())
    // What is only likely to be the same terminal is not shown as if it were.
    const sure = known?.caution === undefined ? known : undefined
    const serial = sighting.serial ?? facts?.serial?.value ?? sure?.serial
    const chipSerial = sighting.chipSerial ?? facts?.chipSerial?.value ?? sure?.chipSerial
    return { ...(serial !== undefined && { serial }), ...(chipSerial !== undefined && { chipSerial }) }
  }

  #canKeep(bay: string): boolean {
    const { board } = this.#parts
    const sighting = board.sighting(bay)
    // Of EDL nothing is known before its programmer runs.
    if (sighting?.protocol !== 'fastboot') return sighting?.protocol === 'edl'
    const facts = board.reading(bay)?.facts
    return facts !== undefined && canReadBack(facts, facts.mode)
  }
}

function backupView({ id, at, terminal, partitions }: StoredBackup): BackupView {
  return clipAll({
    ...{ id, at, terminal },
    partitions: partitions.map(({ name, bytes }) => ({ name, bytes })),
    bytes: partitions.reduce((sum, one) => sum + one.bytes, 0),
  })
}
