// Binary patches: `BSDIFF40` (Percival's bsdiff 4, three bzip2 streams) and Android's `BSDF2`, which names a compressor per stream.
// Header and control stream are read and checked as a whole before a byte of output is made.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Codec } from '../workshop.ts'

export type PatchCodec = Extract<Codec, 'bzip2' | 'brotli'> | 'none'

/** One of the three streams as it lies in the patch. */
export interface PatchStream {
  readonly codec: PatchCodec
  readonly offset: number
  readonly length: number
}

export interface PatchHeader {
  readonly control: PatchStream
  readonly diff: PatchStream
  readonly extra: PatchStream
  /** Bytes that the patch makes. */
  readonly newSize: number
}

export const PATCH_HEADER_SIZE = 32
/** Names of the compressors in BSDF2 (AOSP external/bsdiff, constants.h). */
const CODECS: readonly PatchCodec[] = ['none', 'bzip2', 'brotli']

/** @param start the first 32 bytes.
 * @param patchSize bytes of the whole patch.
 * @throws SlotbenchError `payload-invalid` for what is no patch or contradicts itself, `payload-unsupported` for another compressor. */
export function parsePatchHeader(start: Uint8Array, patchSize: number): PatchHeader {
  if (start.length < PATCH_HEADER_SIZE || patchSize < PATCH_HEADER_SIZE)
    throw invalid(`a patch of ${patchSize} bytes has no header`)
  const codecs = codecsOf(start)
  const [controlLength, diffLength, newSize] = [8, 16, 24].map((at) => signedAt(start, at)) as [
    number,
    number,
    number,
  ]
  if (controlLength < 0 || diffLength < 0 || newSize < 0) throw invalid('a size in the header is negative')
  const room = patchSize - PATCH_HEADER_SIZE
  if (controlLength > room || diffLength > room - controlLength)
    throw invalid(`the header promises more than the ${patchSize} bytes of the patch`)
  const diffAt = PATCH_HEADER_SIZE + controlLength
  const extraAt = diffAt + diffLength
  return {
    control: { codec: codecs[0], offset: PATCH_HEADER_SIZE, length: controlLength },
    diff: { codec: codecs[1], offset: diffAt, length: diffLength },
    extra: { codec: codecs[2], offset: extraAt, length: patchSize - extraAt },
    newSize,
  }
}

function codecsOf(start: Uint8Array): readonly [PatchCodec, PatchCodec, PatchCodec] {
  const magic = Buffer.from(start.subarray(0, 8)).toString('latin1')
  if (magic === 'BSDIFF40') return ['bzip2', 'bzip2', 'bzip2']
  if (!magic.startsWith('BSDF2')) throw invalid('the patch begins with neither BSDIFF40 nor BSDF2')
  return [codecOf(start[5]), codecOf(start[6]), codecOf(start[7])]
}

function codecOf(number: number | undefined): PatchCodec {
  const codec = CODECS[number ?? -1]
  if (codec === undefined)
    throw new SlotbenchError('payload-unsupported', `the patch uses the unknown compressor ${number}`)
  return codec
}

/** Bytes of one entry: three numbers. */
export const CONTROL_ENTRY_SIZE = 24
/** Control streams are read whole; AOSP makes no patches for more than 200 MiB of output, whose controls are a few MiB. */
const MAX_CONTROL = 48 * 1024 * 1024
/** Entries that make nothing and only move (bsdiff begins with one) are few; this many are believed. */
const MAX_IDLE_ENTRIES = 1024

/** The most that a control stream for `newSize` bytes may expand to. */
export function maxControlBytes(newSize: number): number {
  return Math.min((newSize + MAX_IDLE_ENTRIES) * CONTROL_ENTRY_SIZE, MAX_CONTROL)
}

/** What a patch does, step by step: add `copy` bytes of diff to the old ones, take `insert` bytes of extra, move on in the old by `seek`. */
export interface PatchControl {
  readonly entries: number
  copy(entry: number): number
  insert(entry: number): number
  /** Where the old bytes of this entry begin; may lie outside the old image, where there is nothing to add to. */
  oldPosition(entry: number): number
  /** What the other two streams must hold. */
  readonly diffBytes: number
  readonly extraBytes: number
}

/** No position of a genuine patch comes near; sums below it are exact. */
const MAX_POSITION = 2 ** 50

/** @param bytes the expanded control stream. What follows once everything is made is ignored, as bspatch does.
 * @throws SlotbenchError `payload-invalid` unless the entries make exactly `newSize` bytes. */
export function parseControl(bytes: Uint8Array, newSize: number): PatchControl {
  const copies: number[] = []
  const inserts: number[] = []
  const positions: number[] = []
  let [made, position, diffBytes] = [0, 0, 0]
  for (let at = 0; made < newSize; at += CONTROL_ENTRY_SIZE) {
    if (at + CONTROL_ENTRY_SIZE > bytes.length)
      throw invalid(`the control stream makes ${made} of ${newSize} bytes`)
    const [copy, insert, seek] = [
      signedAt(bytes, at),
      signedAt(bytes, at + 8),
      signedAt(bytes, at + 16),
    ] as const
    if (copy < 0 || insert < 0 || copy > newSize - made || insert > newSize - made - copy)
      throw invalid(`entry ${copies.length} of the control stream makes more than the patch promises`)
    if (Math.abs(seek) > MAX_POSITION || Math.abs(position) > MAX_POSITION)
      throw invalid(`entry ${copies.length} of the control stream leads to nowhere`)
    copies.push(copy)
    inserts.push(insert)
    positions.push(position)
    made += copy + insert
    diffBytes += copy
    position += copy + seek
  }
  return {
    entries: copies.length,
    copy: (entry) => copies[entry] ?? 0,
    insert: (entry) => inserts[entry] ?? 0,
    oldPosition: (entry) => positions[entry] ?? 0,
    diffBytes,
    extraBytes: newSize - diffBytes,
  }
}

/** Sign and magnitude, little endian (bsdiff's `offtin`). */
function signedAt(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8)
  const [low, high] = [view.getUint32(0, true), view.getUint32(4, true)]
  const magnitude = (high & 0x7fff_ffff) * 2 ** 32 + low
  if (magnitude > Number.MAX_SAFE_INTEGER) throw invalid(`a number of the patch is beyond all sizes`)
  return high >= 2 ** 31 ? -magnitude : magnitude
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('payload-invalid', `binary patch: ${detail}`)
}
