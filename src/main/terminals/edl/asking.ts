// Whether it pays to ask a terminal what it holds before a piece is sent to it.
import type { Sha256 } from '../../../shared/units.ts'

/** After so many pieces in a row that differed, only every so many-th is asked about: a build that is new here differs almost everywhere,
 * and each question makes the terminal read the piece. One that is right again (resumed, or written a second time) is asked about fully. */
const PATIENCE = 4

export class Asking {
  readonly #able: boolean
  #misses = 0
  #silent = false

  constructor(able: boolean) {
    this.#able = able
  }

  /** Whether the terminal says this digest of the piece.
   * @param ask undefined from a programmer that cannot tell after all; it is not asked again. */
  async holds(ask: () => Promise<Sha256 | undefined>, wanted: Sha256): Promise<boolean> {
    const turn = this.#misses < PATIENCE || this.#misses % PATIENCE === 0
    if (!this.#able || this.#silent || !turn) {
      this.#misses += 1
      return false
    }
    const told = await ask()
    this.#silent = told === undefined
    this.#misses = told === wanted ? 0 : this.#misses + 1
    return told === wanted
  }
}
