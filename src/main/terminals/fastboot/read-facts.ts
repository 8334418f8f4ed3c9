// Asks a terminal for its variables. Any of them may be refused or empty, and the Unisoc ones list nothing at all.
import type { IoOptions } from '../../../shared/io-options.ts'
import { splitSlot } from '../../../shared/units.ts'
import type { FastbootClient } from '../../protocols/fastboot/client.ts'
import { isUserspace, slotArguments } from './facts.ts'

/** What is asked for one by one when `getvar all` does not tell it. */
const WANTED = [
  'product',
  'serialno',
  'is-userspace',
  'unlocked',
  'secure',
  'current-slot',
  'slot-count',
  'max-download-size',
  'max-fetch-size',
  'variant',
  'hw-revision',
  'version-bootloader',
  'version-baseband',
  'battery-soc',
  'battery-soc-ok',
  'battery-voltage',
  // Tells that there is one; how large it is, decides what fits into it.
  'partition-size:super',
] as const
const WANTED_OF_FASTBOOTD = [
  'snapshot-update-status',
  'super-partition-name',
  'security-patch-level',
  'system-fingerprint',
  'first-api-level',
] as const
/** What a change of the tables of super makes untrue. */
const OF_PARTITIONS = /^(?:partition-size|partition-type|is-logical|has-slot):(.+)$/
const WANTED_OF_SLOTS = ['slot-successful', 'slot-unbootable', 'slot-retry-count'] as const

/** Everything a terminal says of itself, collected over the life of a session. */
export class VariableReader {
  readonly #client: FastbootClient
  #known = new Map<string, string>()
  /** What was refused or empty: asking again would be the same. */
  #silent = new Set<string>()

  constructor(client: FastbootClient) {
    this.#client = client
  }

  get variables(): ReadonlyMap<string, string> {
    return this.#known
  }

  /** Reads everything anew, including what `look` had found. */
  async readAll(o: IoOptions): Promise<void> {
    const arguments_ = [...this.#known.keys()].filter((name) =>
      /^(partition-|is-logical|has-slot)/.test(name),
    )
    this.#silent = new Set()
    this.#known = new Map(await this.#client.getvarAll(o))
    await this.look(WANTED, o)
    if (isUserspace(this.#known)) await this.look(WANTED_OF_FASTBOOTD, o)
    if (!this.#known.get('slot-count')) await this.look(['slot-suffixes'], o)
    await this.#readSlots(o)
    await this.look(arguments_, o)
  }

  /** Asks for what is not known yet. */
  async look(names: readonly string[], o: IoOptions): Promise<void> {
    for (const name of names) {
      if (this.#known.get(name) || this.#silent.has(name)) continue
      const value = await this.#client.getvar(name, o)
      if (value) this.#known.set(name, value)
      else this.#silent.add(name)
    }
  }

  /** Whether base names have slots, and size, type and kind of each partition, in both slots where a base is named. */
  async lookAtPartitions(names: readonly string[], o: IoOptions): Promise<void> {
    for (const name of names) {
      const { base } = splitSlot(name)
      await this.look([`has-slot:${base}`], o)
      const inSlots = base === name && this.#known.get(`has-slot:${base}`)?.toLowerCase() === 'yes'
      for (const full of inSlots ? [`${base}_a`, `${base}_b`] : [name]) {
        await this.look([`partition-size:${full}`, `partition-type:${full}`], o)
        if (isUserspace(this.#known)) await this.look([`is-logical:${full}`], o)
      }
    }
  }

  /** Drops what is known of the partitions that match, because they were made, resized or removed. */
  forget(matches: (partition: string) => boolean): void {
    const stale = (variable: string) => {
      const partition = OF_PARTITIONS.exec(variable)?.[1]
      return partition !== undefined && matches(partition)
    }
    for (const name of [...this.#known.keys()].filter(stale)) this.#known.delete(name)
    for (const name of [...this.#silent].filter(stale)) this.#silent.delete(name)
  }

  async #readSlots(o: IoOptions): Promise<void> {
    const count = this.#known.get('slot-count')
    if (count === '0' || count === '1') return
    if (!count && !this.#known.get('current-slot') && !this.#known.get('slot-suffixes')) return
    for (const slot of slotArguments(this.#known)) {
      const listed = (name: string) =>
        this.#known.has(`${name}:${slot}`) || this.#known.has(`${name}:_${slot}`)
      const missing = WANTED_OF_SLOTS.filter((name) => !listed(name))
      await this.look(
        missing.map((name) => `${name}:${slot}`),
        o,
      )
    }
  }
}
