// The storage of a terminal: LUNs of sectors, and what survives a power cut in the middle of a write.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Slot } from '../../shared/units.ts'
import { FileMedium, type Medium, MemoryMedium } from './medium.ts'

/** What a terminal keeps outside its partitions: fuses, replay-protected memory, UFS attributes. */
export interface NonVolatile {
  readonly unlocked: boolean
  readonly unlockedCritical: boolean
  /** Stored rollback index by location. */
  readonly rollback: Readonly<Record<string, number>>
  /** UFS attribute bBootLunEn: which boot LUN the boot ROM reads. */
  readonly bootLun: Slot
}

export interface StorageGeometry {
  readonly sectorSize: 512 | 4096
  /** Bytes of each LUN; undefined numbers are LUNs that are not provisioned. */
  readonly luns: readonly (number | undefined)[]
}

/** Asked before each piece of a write becomes durable. */
export interface WriteGate {
  /** @returns what is stored: all of it, or fewer whole sectors when the power goes now. */
  admit(bytes: Uint8Array, sectorSize: number, place?: WritePlace): Promise<Admission>
}
/** Where a write goes; absent for what lies outside the LUNs. */
export interface WritePlace {
  readonly lun: number
  /** Bytes. */
  readonly offset: number
}
export interface Admission {
  readonly bytes: Uint8Array
  /** The power is gone after these bytes. */
  readonly torn: boolean
  /** Parts of them that are not stored: what was there stays. */
  readonly kept?: readonly { readonly from: number; readonly to: number }[]
}

/** Thrown inside the terminal when its power is gone. Never reaches a host. */
export class PowerLost extends Error {
  override readonly name = 'PowerLost'
}

const FACTORY_STATE: NonVolatile = { unlocked: false, unlockedCritical: false, rollback: {}, bootLun: 'a' }

/** Writes are admitted in pieces of this size, so a cut can fall within a large one. */
const PIECE = 1024 * 1024

/** What all views of one storage share. */
interface StateCell {
  state: NonVolatile
  readonly save: (state: NonVolatile) => Promise<void>
}

/** Which write touched which part of a LUN last; numbers are never used twice, not even by copies. */
type Versions = ReadonlyMap<number, number[]>
const VERSION_REGION = 1024 * 1024
let lastVersion = 0

interface Range {
  readonly lun: number
  readonly offset: number
  readonly size: number
}

interface Known {
  readonly version: number
  readonly value: unknown
}

interface Parts {
  readonly sectorSize: 512 | 4096
  readonly luns: ReadonlyMap<number, Medium>
  readonly cell: StateCell
  readonly versions: Versions
  readonly known: Map<string, Known>
  readonly gate?: WriteGate
}

export class SimulatedStorage {
  readonly sectorSize: 512 | 4096
  readonly luns: ReadonlyMap<number, Medium>
  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.#parts = parts
    this.sectorSize = parts.sectorSize
    this.luns = parts.luns
  }

  static #fresh(
    sectorSize: 512 | 4096,
    luns: ReadonlyMap<number, Medium>,
    cell: StateCell,
  ): SimulatedStorage {
    const versions = new Map(Array.from(luns.keys(), (lun) => [lun, []]))
    return new SimulatedStorage({ sectorSize, luns, cell, versions, known: new Map() })
  }

  static inMemory(geometry: StorageGeometry): SimulatedStorage {
    const luns = new Map<number, Medium>()
    geometry.luns.forEach((size, lun) => {
      if (size !== undefined) luns.set(lun, new MemoryMedium(size))
    })
    return SimulatedStorage.over(geometry.sectorSize, luns)
  }

  /** On media of the caller's own making, by number of LUN. */
  static over(sectorSize: 512 | 4096, luns: ReadonlyMap<number, Medium>): SimulatedStorage {
    return SimulatedStorage.#fresh(sectorSize, luns, { state: FACTORY_STATE, save: async () => {} })
  }

  /** One sparse file per LUN (`lun0.img` …) and `state.json` in `folder`; what is already there is kept.
   * @throws SlotbenchError `host-io`. */
  static async inFolder(folder: string, geometry: StorageGeometry): Promise<SimulatedStorage> {
    await mkdir(folder, { recursive: true })
    const luns = new Map<number, Medium>()
    for (const [lun, size] of geometry.luns.entries()) {
      if (size !== undefined) luns.set(lun, await FileMedium.open(join(folder, `lun${lun}.img`), size))
    }
    const file = join(folder, 'state.json')
    const state = await readFile(file, 'utf8').then(
      (text): NonVolatile => ({ ...FACTORY_STATE, ...JSON.parse(text) }),
      () => FACTORY_STATE,
    )
    const save = (changed: NonVolatile) => writeFile(file, JSON.stringify(changed))
    return SimulatedStorage.#fresh(geometry.sectorSize, luns, { state, save })
  }

  get state(): NonVolatile {
    return this.#parts.cell.state
  }

  /** Whole or not at all. @throws PowerLost when the power is gone. */
  async setState(change: Partial<NonVolatile>): Promise<void> {
    await this.#admitted()
    this.#parts.cell.state = { ...this.#parts.cell.state, ...change }
    await this.#parts.cell.save(this.#parts.cell.state)
  }

  /** The same storage, written through a gate that knows whether there is power. */
  gated(gate: WriteGate): SimulatedStorage {
    return new SimulatedStorage({ ...this.#parts, gate })
  }

  /** @throws SlotbenchError `internal` when the range is not within the LUN. */
  async read(lun: number, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const medium = this.#medium(lun, offset, length)
    const target = new Uint8Array(length)
    await medium.read(offset, target)
    return target
  }

  /** Durable when it resolves. @throws PowerLost when the power went; a prefix of whole sectors is then stored. */
  async write(lun: number, offset: number, bytes: Uint8Array): Promise<void> {
    const medium = this.#medium(lun, offset, bytes.length)
    // Touched before and after: who reads in between must not be remembered for what comes out in the end.
    this.#touch(lun, offset, bytes.length)
    try {
      await this.#writePieces(medium, { lun, offset }, bytes)
    } finally {
      this.#touch(lun, offset, bytes.length)
    }
  }

  async discard(lun: number, offset: number, length: number): Promise<void> {
    const medium = this.#medium(lun, offset, length)
    await this.#admitted()
    this.#touch(lun, offset, length)
    await medium.discard(offset, length)
    this.#touch(lun, offset, length)
  }

  /** A copy to experiment on: shares what neither side changes; nothing of it reaches the disk. */
  fork(): SimulatedStorage {
    const luns = new Map(Array.from(this.luns, ([lun, medium]) => [lun, medium.fork()]))
    const versions = new Map(Array.from(this.#parts.versions, ([lun, regions]) => [lun, [...regions]]))
    const cell = { state: this.state, save: async () => {} }
    const { sectorSize, known } = this.#parts
    return new SimulatedStorage({ sectorSize, luns, cell, versions, known })
  }

  /** What `compute` makes of ranges, remembered for as long as nothing writes there. @param key names the question. */
  async remember<T>(ranges: readonly Range[], key: string, compute: () => Promise<T>): Promise<T> {
    const newest = () => Math.max(0, ...ranges.map((range) => this.#version(range)))
    const version = newest()
    const known = this.#parts.known.get(key)
    // The key names the question, so what was remembered under it has the type of its answer.
    if (known?.version === version) return known.value as T
    const value = await compute()
    if (newest() === version) this.#parts.known.set(key, { version, value })
    return value
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.luns.values(), (medium) => medium.close()))
  }

  async #writePieces(medium: Medium, { lun, offset }: WritePlace, bytes: Uint8Array): Promise<void> {
    const { gate } = this.#parts
    if (!gate) return medium.write(offset, bytes)
    for (let done = 0; done < bytes.length; done += PIECE) {
      const place = { lun, offset: offset + done }
      const admitted = await gate.admit(bytes.subarray(done, done + PIECE), this.sectorSize, place)
      let at = 0
      for (const { from, to } of admitted.kept ?? []) {
        await medium.write(place.offset + at, admitted.bytes.subarray(at, Math.max(at, from)))
        at = Math.max(at, to)
      }
      await medium.write(place.offset + at, admitted.bytes.subarray(at))
      if (admitted.torn) throw new PowerLost('the power was cut during a write')
    }
  }

  /** For changes that cannot be torn: there must be power. */
  async #admitted(): Promise<void> {
    const admission = await this.#parts.gate?.admit(new Uint8Array(0), this.sectorSize)
    if (admission?.torn) throw new PowerLost('the power was cut before a change of the storage')
  }

  #touch(lun: number, offset: number, length: number): void {
    lastVersion += 1
    const regions = this.#parts.versions.get(lun) ?? []
    const end = offset + Math.max(length, 1)
    for (let i = Math.floor(offset / VERSION_REGION); i * VERSION_REGION < end; i++) regions[i] = lastVersion
  }

  #version(range: Range): number {
    const { lun, offset, size } = range
    const regions = this.#parts.versions.get(lun) ?? []
    let version = 0
    for (let i = Math.floor(offset / VERSION_REGION); i * VERSION_REGION < offset + size; i++)
      version = Math.max(version, regions[i] ?? 0)
    return version
  }

  #medium(lun: number, offset: number, length: number): Medium {
    const medium = this.luns.get(lun)
    if (!medium || offset < 0 || length < 0 || offset + length > medium.size)
      throw new SlotbenchError(
        'internal',
        `no bytes ${offset}+${length} on LUN ${lun} of the simulated storage`,
      )
    return medium
  }
}
