// The error correction data of a dm-verity image: codewords take their bytes from blocks that lie far apart (AOSP update_engine
// verity_writer_android.cc; libfec ecc.h, fec_ecc_interleave).
import { CODEWORD, ParityEncoder } from './reed-solomon.ts'

export interface FecSpec {
  /** Exactly `length` bytes of the protected data from `offset`. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>
  /** Bytes, whole blocks. */
  readonly dataSize: number
  readonly blockSize: number
  readonly roots: number
}

/** Rounds that are made at once, to read in longer runs. */
const ROUNDS_AT_ONCE = 64

/** Codewords of one round hold one byte of each of `CODEWORD - roots` blocks. */
function roundsOf({ dataSize, blockSize, roots }: Omit<FecSpec, 'read'>): number {
  return Math.ceil(dataSize / blockSize / (CODEWORD - roots))
}

/** Bytes of parity that `fecParity` gives. */
export function fecSize(spec: Omit<FecSpec, 'read'>): number {
  return roundsOf(spec) * spec.roots * spec.blockSize
}

/** The parity, in order. Reads all data once; round `r` takes blocks r, r + rounds, r + 2 · rounds …, and zeros beyond the end. */
export async function* fecParity(spec: FecSpec): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { dataSize, blockSize, roots, read } = spec
  const rounds = roundsOf(spec)
  for (let round = 0; round < rounds; round += ROUNDS_AT_ONCE) {
    const width = Math.min(ROUNDS_AT_ONCE, rounds - round) * blockSize
    const encoder = new ParityEncoder(width, roots)
    for (let symbol = 0; symbol < CODEWORD - roots; symbol++) {
      const offset = (round + symbol * rounds) * blockSize
      const length = Math.max(0, Math.min(width, dataSize - offset))
      const column = new Uint8Array(width)
      if (length > 0) column.set(await read(offset, length))
      encoder.add(column)
    }
    yield encoder.parity()
  }
}
