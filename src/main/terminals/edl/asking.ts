// Whether it pays to ask a terminal what it holds before a piece is sent to it.
import type { Sha256 } from '../../../shared/units.ts'

/** After so many pieces in a row that differed, only every so many-th is asked about: a build that is new here differs almost everywhere,
 * and each question keeps the link from carrying data. One that is right again (resumed, or written a second time) is asked about fully. */
const PATIENCE = 4

/** Sectors, what they should hash to, and the way to have the terminal say what they do. */
export interface Question {
  readonly wanted: Sha256
  /** Undefined from a programmer that cannot tell after all; it is not asked again. */
  ask(): Promise<Sha256 | undefined>
}

export class Asking {
  readonly #able: boolean
  #misses = 0
  #silent = false

  constructor(able: boolean) {
    this.#able = able
  }

  /** Whether the terminal holds the piece.
   * @param sample of a small part of it. After a piece that differed it is asked first: while the terminal digests a whole piece, which the
   * link would have carried in not much longer, nothing else goes on. */
  async holds(whole: Question, sample?: Question): Promise<boolean> {
    const turn = this.#misses < PATIENCE || this.#misses % PATIENCE === 0
    const questions = sample !== undefined && this.#misses > 0 ? [sample, whole] : [whole]
    const held = this.#able && !this.#silent && turn && (await this.#allTrue(questions))
    this.#misses = held ? 0 : this.#misses + 1
    return held
  }

  async #allTrue(questions: readonly Question[]): Promise<boolean> {
    for (const { ask, wanted } of questions) {
      const told = await ask()
      this.#silent = told === undefined
      if (told !== wanted) return false
    }
    return true
  }
}
