// The inner parts of unbzip2-stream 1.4, which has no types of its own.
declare module 'unbzip2-stream/lib/bzip2.js' {
  import type { BitReader } from 'unbzip2-stream/lib/bit_iterator.js'

  const bzip2: {
    /** Reads `BZh1`–`BZh9` and gives the block size in units of 100,000 bytes. */
    header(bits: BitReader): number
    /** Decodes one block into `output`; null when it met the end of the stream instead. */
    decompress(
      bits: BitReader,
      output: (byte: number) => void,
      work: Int32Array,
      workSize: number,
      streamCrc: number,
    ): number | null
  }
  export default bzip2
}

declare module 'unbzip2-stream/lib/bit_iterator.js' {
  export type BitReader = ((bits: number | null) => number) & { bytesRead: number }
  export default function bitIterator(nextBuffer: () => Uint8Array | undefined): BitReader
}
