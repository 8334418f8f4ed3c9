// A small maker of binary patches in bsdiff's form: long runs that are nearly the same become differences, the rest is carried whole.
// No suffix sorting as in bsdiff itself: blocks of the old image are found by their content, which suffices for simulated builds.
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

/** Compresses one stream of a patch; the byte is its name in the header of BSDF2. */
export interface PatchCompressor {
  readonly id: 0 | 1 | 2
  compress(bytes: Uint8Array): Promise<Uint8Array>
}

/** Higher qualities take ten times as long. */
const BROTLI_OPTIONS = { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }
const compressBrotli = promisify(brotliCompress)

export const BROTLI: PatchCompressor = {
  id: 2,
  compress: (bytes) => compressBrotli(bytes, BROTLI_OPTIONS),
}
export const UNCOMPRESSED: PatchCompressor = { id: 0, compress: async (bytes) => bytes }

/** The patch that makes `changed` of `old`, as BSDF2 (AOSP external/bsdiff). */
export async function bsdf2Patch(
  old: Uint8Array,
  changed: Uint8Array,
  compressor: PatchCompressor,
): Promise<Buffer> {
  const { id } = compressor
  return patch([...Buffer.from('BSDF2'), id, id, id], { old, changed }, compressor)
}

/** As `BSDIFF40`, which any bspatch reads.
 * @param bzip2 compresses with bzip2. */
export async function bsdiff40Patch(
  old: Uint8Array,
  changed: Uint8Array,
  bzip2: PatchCompressor,
): Promise<Buffer> {
  return patch([...Buffer.from('BSDIFF40')], { old, changed }, bzip2)
}

interface Images {
  readonly old: Uint8Array
  readonly changed: Uint8Array
}

async function patch(magic: readonly number[], images: Images, compressor: PatchCompressor): Promise<Buffer> {
  const { old, changed } = images
  const control: Buffer[] = []
  const diff: Uint8Array[] = []
  const extra: Uint8Array[] = []
  const matches = matchesOf(images)
  let position = 0
  for (const [index, match] of matches.entries()) {
    const next = matches[index + 1]
    const end = match.at + match.length
    const inserted = changed.subarray(end, next?.at ?? changed.length)
    diff.push(difference(changed.subarray(match.at, end), old.subarray(match.from)))
    extra.push(inserted)
    position = match.from + match.length
    control.push(triple(match.length, inserted.length, (next?.from ?? position) - position))
  }
  const streams = [control, diff, extra].map((parts) => compressor.compress(Buffer.concat(parts)))
  const [controls, diffs, extras] = (await Promise.all(streams)) as [Uint8Array, Uint8Array, Uint8Array]
  const head = [Buffer.from(magic), triple(controls.length, diffs.length, changed.length)]
  return Buffer.concat([...head, controls, diffs, extras])
}

interface Match {
  readonly at: number
  readonly from: number
  readonly length: number
}

const SEED = 32
/** Differing bytes in a row after which a run is no longer taken for the same. */
const GIVE_UP = 16

/** Runs of the new image with their place in the old one. The first one begins at 0 and may be empty. */
function matchesOf({ old, changed }: Images): readonly Match[] {
  const seeds = new Map<string, number>()
  const key = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + SEED)).toString('latin1')
  for (let at = 0; at + SEED <= old.length; at += SEED)
    if (!seeds.has(key(old, at))) seeds.set(key(old, at), at)
  const matches: Match[] = []
  let at = 0
  // The same place is the first guess, so that an image of the same layout needs no search.
  let from: number | undefined = 0
  while (at < changed.length) {
    if (from !== undefined) {
      const length = nearlySame({ old, changed }, at, from)
      if (length > 0 || matches.length === 0) matches.push({ at, from, length })
      at += length
      from = undefined
      continue
    }
    from = at + SEED <= changed.length ? seeds.get(key(changed, at)) : undefined
    if (from === undefined) at += 1
  }
  return matches
}

/** How many bytes from there on are the same but for single ones; ends with one that is the same. */
function nearlySame({ old, changed }: Images, at: number, from: number): number {
  let length = 0
  let wrong = 0
  for (let i = 0; at + i < changed.length && from + i < old.length && wrong < GIVE_UP; i++) {
    wrong = old[from + i] === changed[at + i] ? 0 : wrong + 1
    if (wrong === 0) length = i + 1
  }
  return length
}

function difference(changed: Uint8Array, old: Uint8Array): Uint8Array {
  return changed.map((byte, i) => byte - (old[i] ?? 0))
}

/** Three numbers, little endian, the sign in the highest bit. */
function triple(...numbers: readonly [number, number, number]): Buffer {
  const bytes = Buffer.alloc(24)
  for (const [index, number] of numbers.entries()) {
    bytes.writeBigUInt64LE(BigInt(Math.abs(number)), index * 8)
    if (number < 0) bytes[index * 8 + 7] = (bytes[index * 8 + 7] ?? 0) | 0x80
  }
  return bytes
}
