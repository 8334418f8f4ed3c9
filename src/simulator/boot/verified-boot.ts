// Android Verified Boot on the stored bytes of one slot, as bootloader and kernel share the work (external_avb, zte-domain §3.4).
import { createHash } from 'node:crypto'
import type {
  AvbDescriptor,
  ChainDescriptor,
  HashDescriptor,
  HashtreeDescriptor,
} from '../../main/core/formats/avb-descriptors.ts'
import { AVB_FOOTER_SIZE, parseFooter } from '../../main/core/formats/avb-footer.ts'
import {
  parseVbmeta,
  VBMETA_FLAGS,
  VBMETA_MAX_SIZE,
  type Vbmeta,
  verifyVbmetaSignature,
} from '../../main/core/formats/vbmeta.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Slot } from '../../shared/units.ts'
import type { Disk, Partition, Run } from '../storage/disk.ts'
import { verityRoot } from './verity.ts'

export interface VerifiedBootInput {
  readonly disk: Disk
  readonly slot: Slot | undefined
  readonly unlocked: boolean
  /** AVB public key blob. */
  readonly rootOfTrust: Uint8Array
  /** Stored rollback index by location. */
  readonly rollback: Readonly<Record<string, number>>
  /** `ramdisk`: recovery and the like run from memory and never look at the large partitions. */
  readonly upTo?: 'ramdisk' | undefined
  /** Partitions of super by full name, as the slot sees them; or why they cannot be mapped, in words. */
  readonly logical?: ReadonlyMap<string, Partition> | string | undefined
}

export type VerifiedBootResult = {
  /** Of all vbmeta images that were read, by key. */
  readonly properties: ReadonlyMap<string, string>
} & (
  | {
      readonly ok: true
      readonly build: string | undefined
      /** Rollback index by location, of what was booted. */
      readonly rollback: Readonly<Record<string, number>>
    }
  | {
      readonly ok: false
      /** Who stopped: the bootloader, for its own reason or for the index, or the kernel. */
      readonly verdict: 'verify-failed' | 'rollback-refused' | 'kernel-crashed'
      readonly reason: string
      readonly build: string | undefined
    }
)

class Refusal extends Error {
  readonly verdict: 'verify-failed' | 'rollback-refused' | 'kernel-crashed'
  constructor(verdict: Refusal['verdict'], reason: string) {
    super(reason)
    this.verdict = verdict
  }
}

/** Checks everything that bootloader (locked) and kernel check before the system is up.
 * An unlocked bootloader verifies nothing, but a kernel made of wrong bytes crashes all the same. */
export async function verifiedBoot(input: VerifiedBootInput): Promise<VerifiedBootResult> {
  const run = new VerifiedBootRun(input)
  try {
    await run.top()
    return { ok: true, build: run.build, properties: run.properties, rollback: run.rollback }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    const { build, properties } = run
    return { ok: false, verdict: thrown.verdict, reason: thrown.message, build, properties }
  }
}

class VerifiedBootRun {
  build: string | undefined
  readonly properties = new Map<string, string>()
  readonly rollback: Record<string, number> = {}
  readonly #input: VerifiedBootInput

  constructor(input: VerifiedBootInput) {
    this.#input = input
  }

  async top(): Promise<void> {
    const partition = this.#find('vbmeta')
    const bytes = await this.#input.disk.read(partition, 0, Math.min(partition.size, VBMETA_MAX_SIZE))
    const vbmeta = this.#parse(partition.name, bytes, this.#input.rootOfTrust)
    this.#checkRollback(partition.name, vbmeta, vbmeta.rollbackLocation)
    if (vbmeta.flags & VBMETA_FLAGS.verificationDisabled) return
    // Bootloader first: it loads and hashes boot and the like, and follows the chain, before any kernel runs.
    const chained = [vbmeta]
    for (const descriptor of vbmeta.descriptors) {
      if (descriptor.kind === 'chain') chained.push(await this.#chain(descriptor))
    }
    for (const { descriptors } of chained) await this.#hashes(descriptors)
    if (this.#input.upTo === 'ramdisk') return
    // First-stage init maps super before anything of the system is looked at; without it the kernel comes to nothing.
    const { logical } = this.#input
    if (typeof logical === 'string') throw new Refusal('kernel-crashed', logical)
    if (vbmeta.flags & VBMETA_FLAGS.hashtreeDisabled) return
    for (const { descriptors } of chained) await this.#hashtrees(descriptors)
  }

  async #chain(descriptor: ChainDescriptor): Promise<Vbmeta> {
    const partition = this.#find(descriptor.partition)
    const vbmeta = this.#parse(partition.name, await this.#embedded(partition), descriptor.publicKey)
    this.#checkRollback(partition.name, vbmeta, descriptor.rollbackLocation)
    return vbmeta
  }

  /** The vbmeta that a partition is (vbmeta_system) or carries at its end (recovery). */
  async #embedded(partition: Partition): Promise<Uint8Array> {
    const { disk } = this.#input
    const last = await disk.read(partition, partition.size - AVB_FOOTER_SIZE, AVB_FOOTER_SIZE)
    const footer = this.#try(partition.name, () => parseFooter(last, partition.size))
    if (footer) return disk.read(partition, footer.vbmetaOffset, footer.vbmetaSize)
    return disk.read(partition, 0, Math.min(partition.size, VBMETA_MAX_SIZE))
  }

  #parse(name: string, bytes: Uint8Array, key: Uint8Array): Vbmeta {
    const vbmeta = this.#try(name, () => parseVbmeta(bytes))
    for (const descriptor of vbmeta.descriptors) {
      if (descriptor.kind !== 'property') continue
      const value = new TextDecoder().decode(descriptor.value)
      this.properties.set(descriptor.key, value)
      if (/^com\.android\.build\..*fingerprint$/.test(descriptor.key)) this.build ??= value
    }
    if (!this.#input.unlocked) {
      const signature = this.#try(name, () => verifyVbmetaSignature(bytes))
      if (!signature.valid) throw new Refusal('verify-failed', `${name} is not signed`)
      if (Buffer.compare(signature.publicKey, key) !== 0)
        throw new Refusal('verify-failed', `${name} is signed with a key that is not trusted`)
    }
    return vbmeta
  }

  #checkRollback(name: string, vbmeta: Vbmeta, location: number): void {
    const index = Number(vbmeta.rollbackIndex)
    const stored = this.#input.rollback[location] ?? 0
    if (!this.#input.unlocked && index < stored)
      throw new Refusal('rollback-refused', `${name} has rollback index ${index}, ${stored} is stored`)
    this.rollback[location] = index
  }

  async #hashes(descriptors: readonly AvbDescriptor[]): Promise<void> {
    for (const descriptor of descriptors) {
      if (descriptor.kind === 'hash' && !(await this.#hashHolds(descriptor)))
        throw this.#damaged(`${descriptor.partition} does not match its hash`)
    }
  }

  async #hashHolds(descriptor: HashDescriptor): Promise<boolean> {
    const partition = this.#find(descriptor.partition)
    if (!computable(descriptor, partition)) return false
    const { algorithm, salt, imageSize } = descriptor
    const { disk } = this.#input
    const digest = await disk.storage.remember(
      runsOf(partition),
      questionOf(partition, descriptor),
      async () => {
        const hash = createHash(algorithm).update(salt)
        for await (const piece of disk.pieces(partition, imageSize)) hash.update(piece)
        return hash.digest()
      },
    )
    return digest.equals(descriptor.digest)
  }

  /** dm-verity is the kernel's: it comes up and restarts at the first wrong block, locked or not. */
  async #hashtrees(descriptors: readonly AvbDescriptor[]): Promise<void> {
    for (const descriptor of descriptors) {
      if (descriptor.kind !== 'hashtree') continue
      const partition = this.#findForKernel(descriptor.partition)
      const root =
        computable(descriptor, partition) &&
        descriptor.treeOffset + descriptor.treeSize <= partition.size &&
        (await this.#root(partition, descriptor))
      if (!root || Buffer.compare(root, descriptor.rootDigest) !== 0)
        throw new Refusal('kernel-crashed', `dm-verity: ${partition.name} is corrupt`)
    }
  }

  #root(partition: Partition, descriptor: HashtreeDescriptor): Promise<Buffer | undefined> {
    const { disk } = this.#input
    const question = questionOf(partition, descriptor)
    return disk.storage.remember(runsOf(partition), question, () => verityRoot(disk, partition, descriptor))
  }

  #find(base: string): Partition {
    const { disk, slot, logical } = this.#input
    const mapped = typeof logical === 'string' ? undefined : logical?.get(slot ? `${base}_${slot}` : base)
    const partition = mapped ?? (slot && disk.find(`${base}_${slot}`)) ?? disk.find(base)
    if (!partition) throw this.#damaged(`there is no partition ${base}`)
    return partition
  }

  /** Not for the bootloader to miss: it does not know what lies in super. */
  #findForKernel(base: string): Partition {
    try {
      return this.#find(base)
    } catch (thrown) {
      throw thrown instanceof Refusal ? new Refusal('kernel-crashed', thrown.message) : thrown
    }
  }

  #try<T>(name: string, parse: () => T): T {
    try {
      return parse()
    } catch (thrown) {
      if (thrown instanceof SlotbenchError) throw this.#damaged(`${name}: ${thrown.message}`)
      throw thrown
    }
  }

  #damaged(reason: string): Refusal {
    return new Refusal(this.#input.unlocked ? 'kernel-crashed' : 'verify-failed', reason)
  }
}

/** Hashes that libavb knows (avb_hash_descriptor.h, avb_hashtree_descriptor.h). */
const HASHES: readonly string[] = ['sha1', 'sha256', 'sha512']

function computable(descriptor: HashDescriptor | HashtreeDescriptor, partition: Partition): boolean {
  return HASHES.includes(descriptor.algorithm) && descriptor.imageSize <= partition.size
}

/** All that a digest over a partition depends on besides its bytes. */
function questionOf(partition: Partition, descriptor: HashDescriptor | HashtreeDescriptor): string {
  const places = runsOf(partition).map(({ lun, offset, size }) => `${lun}:${offset}+${size}`)
  const { kind, algorithm, imageSize, salt } = descriptor
  const tree = descriptor.kind === 'hashtree' ? `${descriptor.treeOffset}+${descriptor.treeSize}` : ''
  return [kind, ...places, algorithm, imageSize, Buffer.from(salt).toString('hex'), tree].join(' ')
}

function runsOf(partition: Partition): readonly Run[] {
  return partition.runs ?? [partition]
}
