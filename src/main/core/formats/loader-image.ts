// A Firehose programmer as a technician brings it (`prog_…firehose…`): what it is, who signed it, and for which chip. Nothing is run.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, type Sha256, sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import {
  digestOf,
  idsIn,
  type LoaderCertificate,
  type LoaderIds,
  readCertificate,
  splitCertificates,
} from './loader-certificates.ts'
import { chainPlace, type LoaderLayout, type LoaderSegment, readLayout } from './loader-headers.ts'

export type { LoaderCertificate, LoaderIds } from './loader-certificates.ts'
export type { LoaderSegment } from './loader-headers.ts'

export interface LoaderImage {
  readonly format: 'elf32' | 'elf64' | 'mbn'
  readonly size: Bytes
  /** Of the whole file. */
  readonly sha256: Sha256
  readonly segments: readonly LoaderSegment[]
  /** Undefined for an image without certificates, and for one whose layout is not known. */
  readonly signature: LoaderSignature | undefined
}

export interface LoaderSignature {
  /** Of the hash segment (3, 5, 6 or 7); undefined for an MBN that is no ELF. */
  readonly version: number | undefined
  /** As in the file: the attestation first, the root last. */
  readonly certificates: readonly LoaderCertificate[]
  readonly root: LoaderCertificate
  /** Every digest that a chip may have burnt in for this chain: of the root, of other roots, and of all roots together. */
  readonly rootDigests: readonly string[]
  readonly ids: LoaderIds
}

/** What is known of the terminal, hexadecimal; see `protocols/sahara`. */
export interface ChipKeys {
  readonly pkHash: string | undefined
  readonly hwId: string | undefined
}

export type LoaderFit =
  | { readonly kind: 'fits'; readonly why: string }
  | { readonly kind: 'misfit'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string }

/** Real ones have some hundred kilobytes to a few megabytes. */
const MAX_LOADER_BYTES = 64 * 1024 * 1024
/** Headers, digests, signatures and certificates of real ones have some kilobytes; code is not among it but in an MBN. */
const MAX_CHAIN_BYTES = 256 * 1024
const HASH_HEADER_BYTES = 80
const PIECE_BYTES = 1024 * 1024
/** No digest that counts is shorter. */
const LEAST_HASH_DIGITS = 64

/** @throws SlotbenchError `loader-invalid` for everything that is no whole loader; `host-io`, `cancelled`. */
export async function readLoader(source: ByteSource, signal?: AbortSignal): Promise<LoaderImage> {
  try {
    if (source.size > MAX_LOADER_BYTES) throw invalid(`${source.size} bytes are too many for a loader`)
    const layout = await readLayout(source, signal)
    return {
      format: layout.format,
      size: source.size,
      sha256: await digestFile(source, signal),
      segments: layout.segments,
      signature: await readSignature(source, layout, signal),
    }
  } catch (thrown) {
    if (!(thrown instanceof SlotbenchError)) throw thrown
    const error = thrown.code === 'source-truncated' ? invalid(thrown.message, thrown) : thrown
    throw error.at({ file: source.name })
  }
}

/** Whether a terminal with these keys will start the loader. `fits` is said only of the signer: that the programmer also knows this model
 * nobody can tell from the file. Compared by their beginnings, for terminals give their hash with or without what follows it. */
export function loaderFits(loader: LoaderImage, { pkHash, hwId }: ChipKeys): LoaderFit {
  const { signature } = loader
  if (signature === undefined) return unknown('the loader carries no certificates that can be read')
  const chip = hardwareMisfit(signature.ids, hwId)
  if (chip !== undefined) return { kind: 'misfit', why: chip }
  const hash = pkHash?.toLowerCase()
  if (hash === undefined || hash.length < LEAST_HASH_DIGITS || !/^[0-9a-f]+$/.test(hash))
    return unknown('the terminal does not tell the hash of its key')
  if (/^0+$/.test(hash)) return unknown('no key is burnt into the terminal')
  if (signature.rootDigests.some((digest) => digest.startsWith(hash) || hash.startsWith(digest)))
    return { kind: 'fits', why: `signed under the key that the terminal trusts (${hash.slice(0, 16)}…)` }
  const roots = signature.certificates.filter(({ isRoot }) => isRoot).length
  if (roots > 1)
    return unknown('the loader carries several root certificates, none of which is the terminal’s by itself')
  return {
    kind: 'misfit',
    why: `the loader is signed under another key (${signature.root.sha256.slice(0, 16)}… or ${signature.root.sha384.slice(0, 16)}…) than the terminal trusts (${hash.slice(0, 16)}…)`,
  }
}

/** Parts that one side leaves empty say nothing: ZTE mostly has no model (zte-domain §1.1), newer signatures no chip. */
function hardwareMisfit({ hwId: signed }: LoaderIds, hwId: string | undefined): string | undefined {
  const own = hwId?.toLowerCase()
  if (signed === undefined || own === undefined || !/^[0-9a-f]{16}$/.test(own)) return undefined
  const parts = [
    ['chip', 0, 8],
    ['maker', 8, 12],
    ['model', 12, 16],
  ] as const
  for (const [name, from, to] of parts) {
    const [expected, found] = [signed.slice(from, to), own.slice(from, to)]
    if (!/^0+$/.test(expected) && !/^0+$/.test(found) && expected !== found)
      return `the loader is signed for ${name} ${expected}, the terminal is ${name} ${found}`
  }
  return undefined
}

async function readSignature(
  source: ByteSource,
  layout: LoaderLayout,
  signal?: AbortSignal,
): Promise<LoaderSignature | undefined> {
  const segment = layout.hashSegment
  if (segment === undefined) return undefined
  const head = await source.read(segment.offset, Math.min(segment.size, HASH_HEADER_BYTES), signal)
  const place = chainPlace(layout, segment, head)
  if (place === undefined || place.size === 0) return undefined
  if (place.size > MAX_CHAIN_BYTES) throw invalid(`certificates of ${place.size} bytes cannot be`)
  const chain = splitCertificates(await source.read(place.offset, place.size, signal))
  const certificates = chain.map(readCertificate)
  const root = certificates.at(-1)
  if (root === undefined) return undefined
  const roots = chain.filter((_, index) => certificates[index]?.isRoot === true || index === chain.length - 1)
  return {
    version: place.version,
    certificates,
    root,
    rootDigests: [...roots, ...(roots.length > 1 ? [Buffer.concat(roots)] : [])].flatMap((der) => [
      digestOf('sha256', der),
      digestOf('sha384', der),
    ]),
    ids: idsIn(certificates[0]?.subject),
  }
}

async function digestFile(source: ByteSource, signal?: AbortSignal): Promise<Sha256> {
  const hash = createHash('sha256')
  for (let at = 0; at < source.size; at += PIECE_BYTES)
    hash.update(await source.read(at, Math.min(PIECE_BYTES, source.size - at), signal))
  return sha256(hash.digest('hex'))
}

function unknown(why: string): LoaderFit {
  return { kind: 'unknown', why }
}

function invalid(detail: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('loader-invalid', detail, { cause })
}
