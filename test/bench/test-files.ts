// The files that are measured with: made once, kept in the cache folder, the same on every run.
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageSource } from '../../src/main/core/source.ts'
import { abortError } from '../../src/shared/errors.ts'
import { bytes } from '../../src/shared/units.ts'
import { randomBytesAt, seededRandom } from '../../src/simulator/randomness.ts'
import type { NamedImage } from '../../src/simulator/rom-factory/payload-writer.ts'
import { MIB } from './measurement.ts'

/** The file `name` of the cache; made by `make` when it is not there. A file that is there is whole. */
export async function cached(
  cache: string,
  name: string,
  make: (path: string) => Promise<void>,
): Promise<string> {
  const path = join(cache, name)
  if (await stat(path).catch(() => undefined)) return path
  const unfinished = `${path}.part`
  await rm(unfinished, { force: true })
  await make(unfinished)
  await rename(unfinished, path)
  return path
}

const KIB = 1024
const LONGEST_RUN = 8 * MIB

/** Writes runs of noise (60 %) and of zeros (40 %), each of 64 KiB to 8 MiB, as a raw filesystem image has them.
 * The zeros are written, not left out: the file has no holes. */
export async function writeMixedImage(path: string, size: number): Promise<void> {
  const random = seededRandom(size)
  const file = await open(path, 'w')
  const [noise, zeros] = [new Uint8Array(LONGEST_RUN), new Uint8Array(LONGEST_RUN)]
  try {
    for (let at = 0; at < size; ) {
      const units = 1 + Math.floor(random() * 128)
      const data = Math.min(Math.round(units * 0.6) * 64 * KIB, size - at)
      randomBytesAt('bench image', at, noise.subarray(0, data))
      if (data > 0) await file.writev([noise.subarray(0, data)], at)
      at += data
      const rest = Math.min(units * 64 * KIB - data, size - at)
      if (rest > 0) await file.writev([zeros.subarray(0, rest)], at)
      at += Math.max(0, rest)
    }
  } finally {
    await file.close()
  }
}

/** Highly compressible, yet no two mebibytes alike: a line of text over and over, and a little noise. */
export function compressibleImage(label: string, size: number): ImageSource {
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents({ signal, from = 0 }) {
      for (let offset = from - (from % MIB); offset < size; offset += MIB) {
        if (signal.aborted) throw abortError(signal)
        const piece = Buffer.alloc(Math.min(MIB, size - offset), `${label}, byte ${offset} and following; `)
        randomBytesAt(label, offset, piece.subarray(0, 16 * KIB))
        const start = Math.max(from, offset)
        yield { kind: 'data', offset: start, bytes: new Uint8Array(piece.subarray(start - offset)) }
      }
    },
  }
}

/** Nothing in it compresses. */
export function noiseImage(label: string, size: number): ImageSource {
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents({ signal, from = 0 }) {
      for (let offset = from; offset < size; offset += MIB) {
        if (signal.aborted) throw abortError(signal)
        const piece = new Uint8Array(Math.min(MIB, size - offset))
        randomBytesAt(label, offset, piece)
        yield { kind: 'data', offset, bytes: piece }
      }
    },
  }
}

const LIBRARIES = '/usr/lib'
const SMALLEST_PROGRAM = 64 * KIB

/** Gives `use` images of what phones' partitions hold most: machine code, from this system's libraries and Node itself, one after
 * the other; from the beginning again when there is too little. Operations are compressed one by one, so what comes
 * twice does not compress better. They can be read once, from their start and in order, as a payload is made. */
export async function withProgramImages<T>(
  sizes: Readonly<Record<string, number>>,
  use: (images: readonly NamedImage[]) => Promise<T>,
): Promise<T> {
  const content = programBytes(await programFiles())
  try {
    return await use(Object.entries(sizes).map(([name, size]) => ({ name, image: nextBytes(content, size) })))
  } finally {
    await content.return()
  }
}

async function programFiles(): Promise<readonly string[]> {
  const found: string[] = [process.execPath]
  const visit = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await visit(path)
      else if (entry.isFile() && /\.so(\.|$)/.test(entry.name)) found.push(path)
    }
  }
  await visit(LIBRARIES)
  return found
}

async function* programBytes(paths: readonly string[]): AsyncGenerator<Buffer<ArrayBuffer>, void, void> {
  for (;;) {
    for (const path of paths) {
      const file = await open(path).catch(() => undefined)
      if (file === undefined) continue
      try {
        const { size } = await file.stat()
        for (let at = 0; size >= SMALLEST_PROGRAM && at < size; at += MIB) {
          const piece = Buffer.from(new Uint8Array(Math.min(MIB, size - at)).buffer)
          const { bytesRead } = await file.read(piece, 0, piece.length, at)
          yield piece.subarray(0, bytesRead)
        }
      } finally {
        await file.close()
      }
    }
  }
}

function nextBytes(content: AsyncGenerator<Buffer<ArrayBuffer>, void, void>, size: number): ImageSource {
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents() {
      for (let offset = 0; offset < size; ) {
        const { value } = await content.next()
        const piece = new Uint8Array((value ?? Buffer.alloc(0)).subarray(0, size - offset))
        yield { kind: 'data', offset, bytes: piece }
        offset += piece.length
      }
    },
  }
}
