// Writes a full payload.bin (CrAU version 2), signed when a key is given, in bounded memory.
import { createHash, createSign, type KeyObject } from 'node:crypto'
import type { Writable } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  encodeManifest,
  type ManifestInput,
  PAYLOAD_MAGIC,
  PAYLOAD_PREFIX_SIZE,
  PAYLOAD_VERSION,
} from '../../main/core/formats/payload-manifest.ts'
import type { ImageSource } from '../../main/core/source.ts'
import { BlobSpool } from './blob-spool.ts'
import { BUILT_IN_COMPRESSORS } from './compressors.ts'
import {
  BLOCK_SIZE,
  type OperationOptions,
  OperationWriter,
  type WrittenPartition,
} from './payload-operations.ts'
import { signatureMessageSize, signaturesMessage, signBytes } from './payload-signature.ts'

export interface NamedImage {
  readonly name: string
  readonly image: ImageSource
  /** What a delta starts from. */
  readonly old?: ImageSource | undefined
}

export interface PayloadOptions {
  readonly images: Iterable<NamedImage>
  readonly operations?: Partial<OperationOptions>
  /** Seconds since 1970. */
  readonly maxTimestamp: number
  /** `YYYY-MM-DD`. */
  readonly securityPatch?: string
  readonly dynamicGroups?: readonly {
    readonly name: string
    readonly size: number
    readonly partitions: readonly string[]
  }[]
  /** 0 (the default) is a full payload. */
  readonly minorVersion?: number
  /** An RSA private key; the payload is unsigned without one. */
  readonly sign?: KeyObject
  readonly signal: AbortSignal
}

export interface PayloadSummary {
  readonly size: number
  /** Of the whole file. */
  readonly sha256: Buffer
  /** Bytes of prefix and manifest. */
  readonly metadataSize: number
  readonly metadataSha256: Buffer
  readonly metadataSignatureSize: number
  readonly partitions: readonly { readonly name: string; readonly size: number; readonly sha256: string }[]
}

/** A payload whose every byte is known, but which still lies in a temporary file. */
export interface SpooledPayload extends PayloadSummary {
  /** The file, from its first byte to its last; may be read again. */
  bytes(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

const DEFAULT_OPERATIONS: OperationOptions = {
  // AOSP's generator uses the same (payload_generation_config.h: hard_chunk_size and full_chunk_size).
  chunkBytes: 2 * 1024 * 1024,
  compress: 'auto',
  largeOperations: false,
  discard: false,
  compressors: BUILT_IN_COMPRESSORS,
}

/** @throws SlotbenchError for options that contradict each other; what the images throw passes through. */
export async function writePayload(sink: Writable, options: PayloadOptions): Promise<PayloadSummary> {
  const payload = await spoolPayload(options)
  try {
    await pipeline(Readable.from(payload.bytes(), { objectMode: false }), sink, { signal: options.signal })
    const { size, sha256, metadataSize, metadataSha256, metadataSignatureSize, partitions } = payload
    return { size, sha256, metadataSize, metadataSha256, metadataSignatureSize, partitions }
  } finally {
    await payload.close()
  }
}

/** Makes the payload in a temporary file: the manifest stands before the data, but holds its sizes and digests. */
export async function spoolPayload(options: PayloadOptions): Promise<SpooledPayload> {
  const spool = await BlobSpool.create()
  try {
    const writer = new OperationWriter(
      { ...DEFAULT_OPERATIONS, ...options.operations },
      spool,
      options.signal,
    )
    const partitions: WrittenPartition[] = []
    for (const { name, image, old } of options.images)
      partitions.push(old ? await writer.writeDelta(name, image, old) : await writer.write(name, image))
    const signatureSize = options.sign === undefined ? 0 : signatureMessageSize(options.sign)
    const manifest = encodeManifest(manifestOf(partitions, options, { dataSize: spool.size, signatureSize }))
    const head = encodeHead(manifest, signatureSize)
    const headSignature = options.sign === undefined ? new Uint8Array() : signBytes(head, options.sign)
    const { sha256, signature } = await seal(spool, { head, headSignature, key: options.sign })
    return {
      size: head.length + headSignature.length + spool.size + signature.length,
      sha256,
      metadataSize: head.length,
      metadataSha256: createHash('sha256').update(head).digest(),
      metadataSignatureSize: headSignature.length,
      partitions: partitions.map((one) => ({
        name: one.name,
        size: one.size,
        sha256: one.sha256.toString('hex'),
      })),
      async *bytes() {
        yield head
        if (headSignature.length > 0) yield headSignature
        yield* spool.read()
        if (signature.length > 0) yield signature
      },
      close: () => spool.close(),
    }
  } catch (error) {
    await spool.close()
    throw error
  }
}

function manifestOf(
  partitions: readonly WrittenPartition[],
  options: PayloadOptions,
  sizes: { readonly dataSize: number; readonly signatureSize: number },
): ManifestInput {
  const groups = options.dynamicGroups?.map((group) => ({
    name: group.name,
    size: group.size,
    partitionNames: group.partitions,
  }))
  return {
    blockSize: BLOCK_SIZE,
    ...(sizes.signatureSize > 0
      ? { signaturesOffset: sizes.dataSize, signaturesSize: sizes.signatureSize }
      : {}),
    minorVersion: options.minorVersion ?? 0,
    partitions: partitions.map(({ name, size, sha256, operations, old }) => ({
      name,
      ...(old && { oldInfo: { size: old.size, hash: old.sha256 } }),
      newInfo: { size, hash: sha256 },
      operations,
    })),
    maxTimestamp: options.maxTimestamp,
    ...(groups === undefined ? {} : { dynamic: { groups, snapshotEnabled: true } }),
    partialUpdate: false,
    securityPatch: options.securityPatch,
  }
}

function encodeHead(manifest: Uint8Array, metadataSignatureSize: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(PAYLOAD_PREFIX_SIZE + manifest.length)
  const view = new DataView(head.buffer)
  head.set(Buffer.from(PAYLOAD_MAGIC, 'latin1'))
  view.setBigUint64(4, BigInt(PAYLOAD_VERSION))
  view.setBigUint64(12, BigInt(manifest.length))
  view.setUint32(20, metadataSignatureSize)
  head.set(manifest, PAYLOAD_PREFIX_SIZE)
  return head
}

interface Sealing {
  readonly head: Uint8Array
  readonly headSignature: Uint8Array
  readonly key: KeyObject | undefined
}

/** The payload's signature covers everything but the two signatures (AOSP payload_signer.cc, CalculateHashFromPayload). */
async function seal(spool: BlobSpool, { head, headSignature, key }: Sealing) {
  const whole = createHash('sha256').update(head).update(headSignature)
  const signer = createSign('sha256').update(head)
  for await (const piece of spool.read()) {
    whole.update(piece)
    signer.update(piece)
  }
  const signature = key === undefined ? new Uint8Array() : signaturesMessage(signer.sign(key), key)
  return { signature, sha256: whole.update(signature).digest() }
}
