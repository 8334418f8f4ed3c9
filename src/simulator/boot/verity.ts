// The hash tree of dm-verity, computed anew from stored data: what the kernel does block by block while it reads.
// Own code on purpose: a terminal must not share a misreading of the host's formats (Linux, admin-guide/device-mapper/verity).
import { hash } from 'node:crypto'
import type { HashtreeDescriptor } from '../../main/core/formats/avb-descriptors.ts'
import type { Disk, Partition } from '../storage/disk.ts'

const BLOCK = 4096

export interface VerityTree {
  readonly root: Buffer
  /** Levels from the top one down to the hashes of the data, as avbtool stores them. */
  readonly tree: Buffer
}

/** @param pieces the data in order, each piece a multiple of 4096 bytes. */
export async function verityTree(
  pieces: AsyncIterable<Uint8Array>,
  algorithm: string,
  salt: Uint8Array,
): Promise<VerityTree> {
  const digest = blockHasher(algorithm, salt)
  const data: Buffer[] = []
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += BLOCK) data.push(digest(piece.subarray(at, at + BLOCK)))
  }
  const levels: Buffer[] = []
  let digests = data
  while (digests.length > 1) {
    const level = packLevel(digests)
    levels.unshift(level)
    digests = []
    for (let at = 0; at < level.length; at += BLOCK) digests.push(digest(level.subarray(at, at + BLOCK)))
  }
  return { root: digests[0] ?? Buffer.alloc(0), tree: Buffer.concat(levels) }
}

/** The root over what is stored, or undefined when the stored tree differs from the one computed.
 * Only 4096-byte blocks, as every Android image has them. */
export async function verityRoot(
  disk: Disk,
  partition: Partition,
  descriptor: HashtreeDescriptor,
): Promise<Buffer | undefined> {
  const { dataBlockSize, hashBlockSize, imageSize, algorithm, salt } = descriptor
  if (dataBlockSize !== BLOCK || hashBlockSize !== BLOCK || imageSize % BLOCK !== 0) return undefined
  const { root, tree } = await verityTree(disk.pieces(partition, imageSize), algorithm, salt)
  const stored = await disk.read(partition, descriptor.treeOffset, descriptor.treeSize)
  return tree.equals(stored) ? root : undefined
}

/** Digests side by side, each in a power of two of bytes, filled up with zeros to whole blocks. */
function packLevel(digests: readonly Buffer[]): Buffer {
  const width = 2 ** Math.ceil(Math.log2(digests[0]?.length ?? 1))
  const level = Buffer.alloc(Math.ceil((digests.length * width) / BLOCK) * BLOCK)
  digests.forEach((digest, i) => {
    digest.copy(level, i * width)
  })
  return level
}

function blockHasher(algorithm: string, salt: Uint8Array): (block: Uint8Array) => Buffer {
  const message = Buffer.alloc(salt.length + BLOCK)
  message.set(salt)
  return (block) => {
    message.set(block, salt.length)
    return hash(algorithm, message, 'buffer')
  }
}
