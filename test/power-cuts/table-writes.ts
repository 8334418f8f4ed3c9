// Where in the order of storage writes the copies of partition tables are written: the places at which a cut could tear one.
import type { TerminalFacts } from '../../src/shared/terminal.ts'
import type { SimulatorHooks } from '../../src/simulator/faults.ts'

/** Sectors that a table takes at most at either end of a LUN, in the simulator's profiles. */
const TABLE_SECTORS = 34

export class TableWrites {
  /** Bytes of storage written before each cut: one for every sector of every copy. */
  readonly cuts: number[] = []
  readonly #luns: ReadonlyMap<number, number>
  readonly #sectorSize: number
  #copy = false

  constructor({ edl }: TerminalFacts) {
    this.#luns = new Map((edl?.luns ?? []).map(({ lun, sectors }) => [lun, sectors]))
    this.#sectorSize = edl?.sectorSize?.value ?? 0
  }

  readonly hooks: SimulatorHooks = {
    onCommand: (words) => {
      this.#copy = this.#isCopy(words)
    },
    onStorageWrite: ({ bytes, total }) => {
      if (!this.#copy) return
      for (let at = 0; at < bytes; at += this.#sectorSize) this.cuts.push(total + at + 1)
    },
  }

  #isCopy(words: string): boolean {
    const [, lun, sector, count] = /^firehose:program lun (\d+) sector (\d+) count (\d+)/.exec(words) ?? []
    if (lun === undefined) return false
    const end = Number(sector) + Number(count)
    return end <= TABLE_SECTORS || end > (this.#luns.get(Number(lun)) ?? 0) - 1
  }
}
