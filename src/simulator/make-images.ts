// Small factory images for a profile, signed with the simulator's test keys: what a ROM for it is made of.
import { createHash } from 'node:crypto'
import type {
  AvbDescriptor,
  HashDescriptor,
  HashtreeDescriptor,
} from '../main/core/formats/avb-descriptors.ts'
import { AVB_FOOTER_SIZE, buildFooter } from '../main/core/formats/avb-footer.ts'
import { avbPublicKeyBlob } from '../main/core/formats/avb-key.ts'
import { memoryImage } from '../main/core/formats/raw-image.ts'
import { buildVbmeta } from '../main/core/formats/vbmeta-writer.ts'
import type { ImageSource } from '../main/core/source.ts'
import { SLOTS, type Slot } from '../shared/units.ts'
import { makeFirmware } from './boot/firmware.ts'
import { verityTree } from './boot/verity.ts'
import type { FactoryImages } from './factory.ts'
import { GeneratedImage } from './generated-image.ts'
import { simulatorRootKey, simulatorSystemKey } from './keys/test-keys.ts'
import type { PartitionProfile, TerminalProfile } from './profiles/types.ts'
import { randomBytes } from './randomness.ts'

export interface BuildOptions {
  /** Name of the build; stands in the vbmeta as `com.android.build.system.fingerprint`. */
  readonly build: string
  readonly rollbackIndex: number
  readonly seed: number
  /** `YYYY-MM-DD`. */
  readonly securityPatch?: string
  /** Include the boot chain (xbl, abl, uboot). Default: only on terminals with slots, where a second copy survives. */
  readonly firmware?: boolean
  /** Partitions that are the same as in an earlier build of the same `fill`. */
  readonly unchanged?: {
    readonly since: { readonly build: string; readonly seed: number }
    readonly partitions: readonly string[]
  }
  /** How much of each image is data rather than zeros, 0 to 1. Default 0.6. */
  readonly fill?: number
}

export interface BuiltImage {
  readonly size: number
  readonly image: ImageSource
}

/** Images by base name (`boot`, `system`, …), each exactly as large as its partition. */
export type Build = ReadonlyMap<string, BuiltImage>

const BLOCK = 4096
/** Where the rollback index of vbmeta_system is stored; 0 is the top vbmeta's. */
const SYSTEM_ROLLBACK_LOCATION = 1
const ALGORITHM = 'sha256'

/** Makes every image of a build, deterministically; large contents are generated while they are read. */
export async function makeBuild(profile: TerminalProfile, options: BuildOptions): Promise<Build> {
  const firmware = options.firmware ?? profile.slotScheme !== 'none'
  const images = new Map<string, BuiltImage>()
  const described = new Map<string, AvbDescriptor[]>()
  const put = (name: string, image: ImageSource) => images.set(name, { size: image.size, image })
  for (const partition of profile.partitions) {
    const { name, verification, describedBy = 'vbmeta' } = partition
    const content = contentOptions(name, options)
    if (verification === 'firmware' && firmware)
      put(name, memoryImage(makeFirmware(`${content.build} ${content.seed} ${name}`, partition.size)))
    if (verification !== 'hash' && verification !== 'hashtree') continue
    const made = await (verification === 'hash' ? hashedImage : hashtreeImage)(partition, content)
    put(name, made.image)
    described.set(describedBy, [...(described.get(describedBy) ?? []), made.descriptor])
  }
  for (const [name, bytes] of vbmetas(profile, options, described)) put(name, memoryImage(bytes))
  return images
}

function contentOptions(name: string, options: BuildOptions): BuildOptions {
  const { unchanged } = options
  return unchanged?.partitions.includes(name) ? { ...options, ...unchanged.since } : options
}

/** What `SimulatedTerminal.create` installs: the build in each of the slots (or unslotted). */
export function factoryImages(
  profile: TerminalProfile,
  build: Build,
  slots: readonly Slot[] = SLOTS,
): FactoryImages {
  const images = new Map<string, ImageSource>()
  for (const { name, slotted } of profile.partitions) {
    const image = build.get(name)?.image
    if (!image) continue
    for (const fullName of slotted ? slots.map((slot) => `${name}_${slot}`) : [name])
      images.set(fullName, image)
  }
  return images
}

/** Public key blob (AVB format) of the simulator's test key: the root of trust of simulated terminals. */
export async function simulatorRootOfTrust(): Promise<{ readonly publicKey: Uint8Array }> {
  return { publicKey: avbPublicKeyBlob(simulatorRootKey()) }
}

interface Made {
  readonly image: ImageSource
  readonly descriptor: AvbDescriptor
}

/** As `avbtool add_hash_footer` leaves it: content, its own unsigned vbmeta, footer. */
async function hashedImage(partition: PartitionProfile, options: BuildOptions): Promise<Made> {
  const { name, size } = partition
  const base = contentOf(partition, options, roundDown((size - BLOCK) * 0.7))
  const salt = saltOf(name, options)
  const hash = createHash(ALGORITHM).update(salt)
  for await (const piece of new GeneratedImage(base).content()) hash.update(piece)
  const descriptor: HashDescriptor = {
    ...{ kind: 'hash', imageSize: base.contentSize, algorithm: ALGORITHM, partition: name, salt },
    ...{ digest: hash.digest(), flags: 0 },
  }
  const tail = footerParts(size, base.contentSize, base.contentSize, descriptor)
  return { image: new GeneratedImage({ ...base, tail }), descriptor }
}

/** As `avbtool add_hashtree_footer` leaves it: content, hash tree, its own unsigned vbmeta, footer. */
async function hashtreeImage(partition: PartitionProfile, options: BuildOptions): Promise<Made> {
  const { name, size } = partition
  // The tree takes about 1/127 of the data; vbmeta and footer take two blocks.
  const base = contentOf(partition, options, roundDown((size - 4 * BLOCK) * 0.98))
  const salt = saltOf(name, options)
  const { root, tree } = await verityTree(new GeneratedImage(base).content(), ALGORITHM, salt)
  const treeOffset = base.contentSize
  const descriptor: HashtreeDescriptor = {
    ...{
      kind: 'hashtree',
      dmVerityVersion: 1,
      imageSize: base.contentSize,
      treeOffset,
      treeSize: tree.length,
    },
    ...{ dataBlockSize: BLOCK, hashBlockSize: BLOCK, fecNumRoots: 0, fecOffset: 0, fecSize: 0 },
    ...{ algorithm: ALGORITHM, partition: name, salt, rootDigest: root, flags: 0 },
  }
  const footer = footerParts(size, base.contentSize, treeOffset + tree.length, descriptor)
  const tail = [{ offset: treeOffset, bytes: tree }, ...footer]
  return { image: new GeneratedImage({ ...base, tail }), descriptor }
}

function contentOf({ name, size }: PartitionProfile, options: BuildOptions, contentSize: number) {
  const label = `${options.build} ${options.seed} ${name}`
  return { size, contentSize, label, fill: options.fill ?? 0.6, tail: [] }
}

function footerParts(size: number, originalSize: number, vbmetaOffset: number, descriptor: AvbDescriptor) {
  const vbmeta = buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 0, descriptors: [descriptor] })
  const footer = buildFooter({ originalSize, vbmetaOffset, vbmetaSize: vbmeta.length })
  return [
    { offset: vbmetaOffset, bytes: vbmeta },
    { offset: size - AVB_FOOTER_SIZE, bytes: footer },
  ]
}

/** The top vbmeta and the chained one, each padded to its partition. */
function vbmetas(
  profile: TerminalProfile,
  options: BuildOptions,
  described: ReadonlyMap<string, readonly AvbDescriptor[]>,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  const made = new Map<string, Uint8Array<ArrayBuffer>>()
  const properties = [
    property('com.android.build.system.fingerprint', options.build),
    property('com.android.build.system.security_patch', options.securityPatch ?? '2026-01-01'),
  ]
  const common = { rollbackIndex: options.rollbackIndex, flags: 0, release: 'slotbench simulator' }
  const chains: AvbDescriptor[] = []
  const publicKey = avbPublicKeyBlob(simulatorSystemKey())
  for (const { name, size, verification } of profile.partitions) {
    if (verification !== 'vbmeta-chained') continue
    const descriptors = [...(described.get(name) ?? []), ...properties]
    const signed = { algorithm: 'sha256-rsa2048', privateKey: simulatorSystemKey() } as const
    made.set(name, padded(buildVbmeta({ ...common, ...signed, descriptors }), size))
    const rollbackLocation = SYSTEM_ROLLBACK_LOCATION
    chains.push({ kind: 'chain', rollbackLocation, partition: name, publicKey, flags: 0 })
  }
  const top = profile.partitions.find(({ verification }) => verification === 'vbmeta')
  if (top) {
    const descriptors = [...chains, ...(described.get(top.name) ?? []), ...properties]
    const signed = { algorithm: 'sha256-rsa4096', privateKey: simulatorRootKey() } as const
    made.set(top.name, padded(buildVbmeta({ ...common, ...signed, descriptors }), top.size))
  }
  return made
}

function property(key: string, value: string): AvbDescriptor {
  return { kind: 'property', key, value: new TextEncoder().encode(value) }
}

function saltOf(name: string, { build, seed }: BuildOptions): Uint8Array {
  return randomBytes(`salt ${build} ${seed} ${name}`, 32)
}

function padded(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size)
  whole.set(bytes)
  return whole
}

function roundDown(value: number): number {
  return Math.max(BLOCK, Math.floor(value / BLOCK) * BLOCK)
}
