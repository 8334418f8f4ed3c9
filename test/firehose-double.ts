// A Firehose programmer over sectors in memory: honest by default, with the faults that a test asks for.
import { createHash } from 'node:crypto'
import { encodeGpt, type GptTable } from '../src/main/core/formats/gpt.ts'
import type {
  Firehose,
  FirehoseLimits,
  MemoryName,
  Patch,
  SectorTarget,
  StorageInfo,
} from '../src/main/protocols/firehose/types.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import { type Sha256, sha256 } from '../src/shared/units.ts'

/** What stays when the power goes: the bytes of each LUN, and the boot LUN. */
export class MemoryStorage {
  readonly sectorSize: number
  readonly luns: ReadonlyMap<number, Uint8Array<ArrayBuffer>>
  bootLun: number | undefined

  /** @param sectors of each LUN. */
  constructor(sectorSize: number, sectors: ReadonlyMap<number, number>, bootLun?: number) {
    this.sectorSize = sectorSize
    this.luns = new Map([...sectors].map(([lun, count]) => [lun, new Uint8Array(count * sectorSize)]))
    this.bootLun = bootLun
  }

  bytes(lun: number): Uint8Array<ArrayBuffer> {
    const bytes = this.luns.get(lun)
    if (bytes === undefined) throw new SlotbenchError('terminal-refused', `Failed to open lun ${lun}`)
    return bytes
  }

  partition(lun: number, table: GptTable): this {
    const { protectiveMbr, primary, backup } = encodeGpt(table)
    this.bytes(lun).set(protectiveMbr)
    this.bytes(lun).set(primary.bytes, primary.lba * this.sectorSize)
    this.bytes(lun).set(backup.bytes, backup.lba * this.sectorSize)
    return this
  }

  fork(): MemoryStorage {
    const sectors = [...this.luns].map(([lun, bytes]) => [lun, bytes.length / this.sectorSize] as const)
    const copy = new MemoryStorage(this.sectorSize, new Map(sectors), this.bootLun)
    for (const [lun, bytes] of this.luns) copy.bytes(lun).set(bytes)
    return copy
  }
}

export interface DoubleOptions {
  readonly memory?: MemoryName
  readonly readOnly?: boolean
  /** Default true. */
  readonly digests?: boolean
  /** How `getstorageinfo` answers: with the number of LUNs (default), without it, or not at all. */
  readonly info?: 'whole' | 'without-luns' | 'none'
  /** The power goes at this sector write, counted from 1. */
  readonly cutAt?: number
  /** The sector that is written when the power goes: `old` (default), or half of it new. */
  readonly torn?: 'old' | 'half'
  /** Writes to these sectors are confirmed and forgotten. */
  readonly stuck?: (lun: number, sector: number) => boolean
  /** `setbootablestoragedrive` is refused. */
  readonly noBootDrive?: boolean
}

export class FirehoseDouble implements Firehose {
  readonly limits: FirehoseLimits
  readonly storage: MemoryStorage
  /** Every command, e.g. `program 4:6+2`. */
  readonly commands: string[] = []
  /** Sectors written so far. */
  written = 0
  powered: string | undefined
  closed = false
  readonly #o: DoubleOptions
  #dead = false

  constructor(storage: MemoryStorage, options: DoubleOptions = {}) {
    const { memory = 'ufs', readOnly = false } = options
    this.storage = storage
    this.#o = options
    this.limits = { memory, payloadToTarget: 1024 * 1024, readOnly, targetName: undefined }
  }

  /** The commands of one kind. */
  of(kind: string): readonly string[] {
    return this.commands.filter((command) => command.startsWith(`${kind} `))
  }

  async nop(): Promise<void> {
    this.#hear('nop')
  }

  async storageInfo(lun: number): Promise<StorageInfo | undefined> {
    this.#hear(`info ${lun}`)
    const { info = 'whole', memory = 'ufs' } = this.#o
    const bytes = this.storage.luns.get(lun)
    if (info === 'none' || bytes === undefined) return undefined
    const { sectorSize } = this.storage
    const luns = info === 'whole' ? Math.max(...this.storage.luns.keys()) + 1 : undefined
    const told = { lun, sectorSize, sectors: bytes.length / sectorSize, luns, memory }
    return { ...told, product: undefined, serial: undefined }
  }

  async program(target: SectorTarget, content: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void> {
    this.#hear(`program ${words(target)}`)
    if (this.limits.readOnly) throw new SlotbenchError('loader-read-only', 'a peek loader')
    const lun = this.#range(target)
    let at = target.first * target.sectorSize
    const end = at + target.count * target.sectorSize
    let rest = new Uint8Array(0)
    for await (const piece of content) {
      const bytes = new Uint8Array(rest.length + piece.length)
      bytes.set(rest)
      bytes.set(piece, rest.length)
      const whole = bytes.length - (bytes.length % target.sectorSize)
      for (let from = 0; from < whole; from += target.sectorSize) {
        if (at >= end) throw new SlotbenchError('internal', 'more bytes than announced')
        this.#writeSector(target.lun, lun, { at, bytes: bytes.subarray(from, from + target.sectorSize) })
        at += target.sectorSize
      }
      rest = bytes.slice(whole)
    }
    if (at !== end || rest.length > 0) throw new SlotbenchError('internal', 'other bytes than announced')
  }

  async *read(target: SectorTarget): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    this.#hear(`read ${words(target)}`)
    const lun = this.#range(target)
    const end = (target.first + target.count) * target.sectorSize
    // In pieces that are no whole sectors: nobody promised that.
    for (let at = target.first * target.sectorSize; at < end; at += 100_000)
      yield lun.slice(at, Math.min(end, at + 100_000))
  }

  async digest(target: SectorTarget): Promise<Sha256 | undefined> {
    this.#hear(`digest ${words(target)}`)
    if (this.#o.digests === false) return undefined
    const lun = this.#range(target)
    if (target.count * target.sectorSize > 512 * 1024 * 1024)
      throw new SlotbenchError('terminal-silent', 'wedged by a digest over too much')
    const from = target.first * target.sectorSize
    const held = lun.subarray(from, from + target.count * target.sectorSize)
    return sha256(createHash('sha256').update(held).digest('hex'))
  }

  async erase(target: SectorTarget): Promise<void> {
    this.#hear(`erase ${words(target)}`)
    const from = target.first * target.sectorSize
    this.#range(target).fill(0, from, from + target.count * target.sectorSize)
  }

  async patch(patch: Patch): Promise<void> {
    this.#hear(`patch ${patch.lun}:${patch.startSector}`)
    throw new SlotbenchError('terminal-refused', 'patch: not here')
  }

  async setBootableDrive(lun: number): Promise<void> {
    this.#hear(`boot-drive ${lun}`)
    if (this.#o.noBootDrive === true)
      throw new SlotbenchError('terminal-refused', 'setbootablestoragedrive: unknown command')
    this.storage.bootLun = lun
  }

  async power(to: 'reset' | 'off' | 'reset_to_edl'): Promise<void> {
    this.#hear(`power ${to}`)
    this.powered = to
    this.#dead = true
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #hear(command: string): void {
    if (this.#dead) throw new SlotbenchError('terminal-gone', 'no power')
    this.commands.push(command)
  }

  #range({ lun, first, count, sectorSize }: SectorTarget): Uint8Array<ArrayBuffer> {
    const bytes = this.storage.bytes(lun)
    if (sectorSize !== this.storage.sectorSize)
      throw new SlotbenchError(
        'terminal-refused',
        `sector size ${sectorSize} different from device sector size`,
      )
    if (count <= 0 || first < 0 || (first + count) * sectorSize > bytes.length)
      throw new SlotbenchError('terminal-refused', `sectors ${first}+${count} beyond the end`)
    return bytes
  }

  #writeSector(
    number: number,
    lun: Uint8Array,
    { at, bytes }: { readonly at: number; readonly bytes: Uint8Array },
  ): void {
    this.written += 1
    const cut = this.written === this.#o.cutAt
    if (cut) {
      const half = this.#o.torn === 'half' ? bytes.subarray(0, bytes.length / 2) : bytes.subarray(0, 0)
      lun.set(half, at)
      this.#dead = true
      throw new SlotbenchError('terminal-gone', 'the power was cut')
    }
    if (this.#o.stuck?.(number, at / this.storage.sectorSize) !== true) lun.set(bytes, at)
  }
}

function words({ lun, first, count }: SectorTarget): string {
  return `${lun}:${first}+${count}`
}
