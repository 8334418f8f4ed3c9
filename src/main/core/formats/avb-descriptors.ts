// The descriptors inside a vbmeta image: what each partition must hash to, or whose signature it must carry.
// Layouts: external_avb avb_*_descriptor.h; all numbers big endian.
import { missingCase } from '../../../shared/missing-case.ts'
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'

export interface PropertyDescriptor {
  readonly kind: 'property'
  readonly key: string
  readonly value: Uint8Array
}

/** A partition that dm-verity checks block by block while it is read. */
export interface HashtreeDescriptor {
  readonly kind: 'hashtree'
  readonly dmVerityVersion: number
  /** Bytes of the image that the tree covers. */
  readonly imageSize: number
  readonly treeOffset: number
  readonly treeSize: number
  readonly dataBlockSize: number
  readonly hashBlockSize: number
  readonly fecNumRoots: number
  readonly fecOffset: number
  readonly fecSize: number
  /** `sha1`, `sha256` … */
  readonly algorithm: string
  readonly partition: string
  readonly salt: Uint8Array
  readonly rootDigest: Uint8Array
  /** Bit 0: the partition has no slots. */
  readonly flags: number
}

/** A partition that is hashed as a whole: digest = H(salt ‖ first imageSize bytes). */
export interface HashDescriptor {
  readonly kind: 'hash'
  readonly imageSize: number
  readonly algorithm: string
  readonly partition: string
  readonly salt: Uint8Array
  readonly digest: Uint8Array
  readonly flags: number
}

export interface KernelCmdlineDescriptor {
  readonly kind: 'kernel-cmdline'
  /** Bit 0: use when hashtrees are on; bit 1: use when they are off. */
  readonly flags: number
  readonly cmdline: string
}

/** A partition that carries its own vbmeta, signed with this key. */
export interface ChainDescriptor {
  readonly kind: 'chain'
  readonly rollbackLocation: number
  readonly partition: string
  /** As `avbPublicKey` reads it. */
  readonly publicKey: Uint8Array
  readonly flags: number
}

/** Of a kind newer than this program; bootloaders skip those too. */
export interface UnknownDescriptor {
  readonly kind: 'unknown'
  readonly tag: bigint
  readonly data: Uint8Array
}

export type AvbDescriptor =
  | PropertyDescriptor
  | HashtreeDescriptor
  | HashDescriptor
  | KernelCmdlineDescriptor
  | ChainDescriptor
  | UnknownDescriptor

const TAG = { property: 0n, hashtree: 1n, hash: 2n, 'kernel-cmdline': 3n, chain: 4n } as const
const RESERVED = 60

/** @throws SlotbenchError `vbmeta-invalid` when a length contradicts the bytes that are there. */
export function parseDescriptors(bytes: Uint8Array): AvbDescriptor[] {
  const reader = new RecordReader(bytes, 'big', 'vbmeta-invalid')
  const descriptors: AvbDescriptor[] = []
  while (reader.remaining > 0) {
    const tag = reader.u64()
    const length = reader.size64('the length of a descriptor')
    if (length % 8 !== 0) reader.fail(`a descriptor of ${length} bytes`)
    descriptors.push(parseBody(tag, reader.bytes(length)))
  }
  return descriptors
}

/** One descriptor with its header, padded to 8 bytes.
 * @throws SlotbenchError `vbmeta-invalid` when a value does not fit its field. */
export function encodeDescriptor(descriptor: AvbDescriptor): Uint8Array<ArrayBuffer> {
  const body = new RecordWriter('big', 'vbmeta-invalid')
  writeBody(body, descriptor)
  body.padTo(8)
  const bytes = body.finish()
  const tag = descriptor.kind === 'unknown' ? descriptor.tag : TAG[descriptor.kind]
  return new RecordWriter('big', 'vbmeta-invalid').u64(tag).u64(bytes.byteLength).bytes(bytes).finish()
}

function parseBody(tag: bigint, data: Uint8Array): AvbDescriptor {
  const reader = new RecordReader(data, 'big', 'vbmeta-invalid')
  switch (tag) {
    case TAG.property:
      return parseProperty(reader)
    case TAG.hashtree:
      return parseHashtree(reader)
    case TAG.hash:
      return parseHash(reader)
    case TAG['kernel-cmdline']: {
      const [flags, length] = [reader.u32(), reader.u32()]
      return { kind: 'kernel-cmdline', flags, cmdline: reader.text(length) }
    }
    case TAG.chain:
      return parseChain(reader)
    default:
      return { kind: 'unknown', tag, data }
  }
}

function parseProperty(reader: RecordReader): PropertyDescriptor {
  const keyLength = reader.size64('the length of a property name')
  const valueLength = reader.size64('the length of a property value')
  const key = reader.text(keyLength)
  // Both are followed by a NUL that their lengths do not count.
  if (reader.u8() !== 0) reader.fail('a property name does not end where it should')
  const value = reader.bytes(valueLength)
  if (reader.u8() !== 0) reader.fail('a property value does not end where it should')
  return { kind: 'property', key, value }
}

function parseHashtree(reader: RecordReader): HashtreeDescriptor {
  const dmVerityVersion = reader.u32()
  const imageSize = reader.size64('image size')
  const treeOffset = reader.size64('tree offset')
  const treeSize = reader.size64('tree size')
  const [dataBlockSize, hashBlockSize, fecNumRoots] = [reader.u32(), reader.u32(), reader.u32()]
  const fecOffset = reader.size64('FEC offset')
  const fecSize = reader.size64('FEC size')
  const algorithm = reader.text(32)
  const { partition, salt, digest: rootDigest, flags } = parseSaltedDigest(reader)
  return {
    ...{ kind: 'hashtree', dmVerityVersion, imageSize, treeOffset, treeSize, dataBlockSize, hashBlockSize },
    ...{ fecNumRoots, fecOffset, fecSize, algorithm, partition, salt, rootDigest, flags },
  }
}

function parseHash(reader: RecordReader): HashDescriptor {
  const imageSize = reader.size64('image size')
  const algorithm = reader.text(32)
  return { kind: 'hash', imageSize, algorithm, ...parseSaltedDigest(reader) }
}

/** What hash and hashtree descriptors end with: lengths and flags, then name, salt and digest. */
function parseSaltedDigest(reader: RecordReader) {
  const [nameLength, saltLength] = [reader.u32(), reader.u32()]
  const [digestLength, flags] = [reader.u32(), reader.u32()]
  reader.skip(RESERVED)
  const partition = reader.text(nameLength)
  const [salt, digest] = [reader.bytes(saltLength), reader.bytes(digestLength)]
  return { partition, salt, digest, flags }
}

function parseChain(reader: RecordReader): ChainDescriptor {
  const [rollbackLocation, nameLength, keyLength, flags] = [
    reader.u32(),
    reader.u32(),
    reader.u32(),
    reader.u32(),
  ]
  reader.skip(RESERVED)
  const partition = reader.text(nameLength)
  return { kind: 'chain', rollbackLocation, partition, publicKey: reader.bytes(keyLength), flags }
}

function writeBody(body: RecordWriter, d: AvbDescriptor): void {
  switch (d.kind) {
    case 'property': {
      const key = new TextEncoder().encode(d.key)
      body.u64(key.byteLength).u64(d.value.byteLength).bytes(key).u8(0).bytes(d.value).u8(0)
      return
    }
    case 'hashtree':
      body.u32(d.dmVerityVersion).u64(d.imageSize).u64(d.treeOffset).u64(d.treeSize)
      body.u32(d.dataBlockSize).u32(d.hashBlockSize).u32(d.fecNumRoots).u64(d.fecOffset).u64(d.fecSize)
      writeHashFields(body, d, d.rootDigest)
      return
    case 'hash':
      body.u64(d.imageSize)
      writeHashFields(body, d, d.digest)
      return
    case 'kernel-cmdline': {
      const text = new TextEncoder().encode(d.cmdline)
      body.u32(d.flags).u32(text.byteLength).bytes(text)
      return
    }
    case 'chain': {
      const name = new TextEncoder().encode(d.partition)
      body.u32(d.rollbackLocation).u32(name.byteLength).u32(d.publicKey.byteLength).u32(d.flags)
      body.zeros(RESERVED).bytes(name).bytes(d.publicKey)
      return
    }
    case 'unknown':
      body.bytes(d.data)
      return
    default:
      missingCase(d)
  }
}

function writeHashFields(
  body: RecordWriter,
  d: HashDescriptor | HashtreeDescriptor,
  digest: Uint8Array,
): void {
  const name = new TextEncoder().encode(d.partition)
  body.text(d.algorithm, 32)
  body.u32(name.byteLength).u32(d.salt.byteLength).u32(digest.byteLength).u32(d.flags)
  body.zeros(RESERVED).bytes(name).bytes(d.salt).bytes(digest)
}
