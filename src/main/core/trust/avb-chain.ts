// Android Verified Boot over the images of a package: which vbmeta says what, and the digests that have to be computed for it while
// the images stream by (external_avb, libavb/avb_slot_verify.c).
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Slot } from '../../../shared/units.ts'
import type { ChainDescriptor, HashDescriptor, HashtreeDescriptor } from '../formats/avb-descriptors.ts'
import type { DigestResult, DigestSpec } from '../formats/stream-digests.ts'
import { parseVbmeta, type Vbmeta, verifyVbmetaSignature } from '../formats/vbmeta.ts'
import { readVbmetaBytes } from '../rom/vbmeta-image.ts'
import type { ImageSource } from '../source.ts'
import { hashExpectation, hashtreeExpectation } from './avb-expectations.ts'
import type { AvbChainEvidence, AvbDigestEvidence, VbmetaEvidence } from './evidence.ts'

/** An image of the package. */
export interface ChainImage {
  readonly name: string
  readonly slot?: Slot | undefined
  readonly image: ImageSource
}

/** Digests to compute over one image while it streams by. */
export interface Probe {
  readonly image: ChainImage
  readonly specs: readonly DigestSpec[]
  /** Hears the results, in the order of the specs. */
  take(results: readonly DigestResult[]): void
}

export interface AvbChain {
  readonly probes: readonly Probe[]
  /** What was found; only when every probe has heard its results. */
  evidence(): AvbChainEvidence
}

/** More digests of one image than any maker would ask for only keep the bench busy. */
const MAX_PER_IMAGE = 8
/** libavb loads no more (avb_slot_verify.c, MAX_NUMBER_OF_VBMETA_IMAGES). */
const MAX_VBMETAS = 32

/** One chain, or one for each slot where the package brings a vbmeta for each. Reads little: vbmeta images and footers.
 * @throws SlotbenchError `vbmeta-invalid`, `package-unsafe`, or what reading the images throws. */
export async function readAvbChains(
  images: readonly ChainImage[],
  signal: AbortSignal,
): Promise<readonly AvbChain[]> {
  const tops = images.filter(({ name }) => name === 'vbmeta')
  const chains: AvbChain[] = []
  for (const top of tops) {
    const visible = images.filter(({ slot }) => slot === undefined || slot === (top.slot ?? 'a'))
    const chain = await readChain(top, visible, signal)
    if (chain !== undefined) chains.push(chain)
  }
  return chains
}

/** A vbmeta with the image that it was read from. */
interface Read {
  readonly from: ChainImage
  readonly vbmeta: Vbmeta
  readonly evidence: VbmetaEvidence
  readonly probe: Probe
}

async function readChain(
  top: ChainImage,
  images: readonly ChainImage[],
  signal: AbortSignal,
): Promise<AvbChain | undefined> {
  const find = (partition: string) => images.find(({ name }) => name === partition)
  const first = await readVbmeta(top, undefined, signal)
  if (first === undefined) return undefined
  const read = [first]
  const missing: string[] = []
  const chainDescriptors = first.vbmeta.descriptors.filter(({ kind }) => kind === 'chain')
  if (chainDescriptors.length >= MAX_VBMETAS)
    throw new SlotbenchError('package-unsafe', `vbmeta chains to ${chainDescriptors.length} partitions`)
  for (const descriptor of first.vbmeta.descriptors) {
    if (descriptor.kind !== 'chain') continue
    const image = find(descriptor.partition)
    if (image === undefined) {
      missing.push(descriptor.partition)
      continue
    }
    const chained = await readVbmeta(image, descriptor, signal)
    if (chained === undefined)
      throw new SlotbenchError(
        'vbmeta-invalid',
        `${descriptor.partition} carries no vbmeta, but vbmeta demands one of it`,
      )
    read.push(chained)
  }
  const expected = read.flatMap(({ from, vbmeta }) => expectationsOf(from.name, vbmeta, find))
  refuseTooMany(expected)
  const covered = new Set([...read.map(({ from }) => from.name), ...expected.map((one) => one.partition)])
  const slot = top.slot
  return {
    probes: [...read.map(({ probe }) => probe), ...expected.flatMap(({ probe }) => probe ?? [])],
    evidence: () => ({
      ...(slot === undefined ? {} : { slot }),
      vbmetas: read.map(({ evidence }) => evidence),
      missing,
      digests: expected.map(({ evidence }) => evidence()),
      uncovered: images.filter(({ name }) => !covered.has(name)).map(({ name }) => name),
    }),
  }
}

async function readVbmeta(
  image: ChainImage,
  chain: ChainDescriptor | undefined,
  signal: AbortSignal,
): Promise<Read | undefined> {
  const found = await readVbmetaBytes(image.image, signal)
  if (found === undefined) return undefined
  const { bytes, offset } = found
  const vbmeta = parseVbmeta(bytes)
  const signed = verifyVbmetaSignature(bytes)
  const evidence: VbmetaEvidence = {
    ...{ partition: image.name, algorithm: vbmeta.algorithm, flags: vbmeta.flags },
    signature: vbmeta.algorithm === 'none' ? 'unsigned' : signed.valid ? 'valid' : 'invalid',
    publicKey: Buffer.from(vbmeta.publicKey).toString('base64'),
    ...(chain === undefined ? {} : { expectedKey: Buffer.from(chain.publicKey).toString('base64') }),
    rollbackIndex: String(vbmeta.rollbackIndex),
    // libavb takes the location from the chain descriptor, not from the chained image.
    rollbackLocation: chain?.rollbackLocation ?? vbmeta.rollbackLocation,
    flagsChanged: !signed.valid && vbmeta.flags !== 0 && holdsWithoutFlags(bytes),
  }
  return { from: image, vbmeta, evidence, probe: sameBytes(image, { start: offset, bytes }) }
}

const FLAGS_OFFSET = 120

/** `fastboot --disable-verity` and the like set flags in the signed image, which breaks its signature. */
function holdsWithoutFlags(bytes: Uint8Array): boolean {
  const copy = new Uint8Array(bytes)
  new DataView(copy.buffer).setUint32(FLAGS_OFFSET, 0)
  return verifyVbmetaSignature(copy).valid
}

/** What was judged here must be what the pass over the image sees, should the file change in between. */
function sameBytes(image: ChainImage, { start, bytes }: { start: number; bytes: Uint8Array }): Probe {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {
    image,
    specs: [{ kind: 'hash', algorithm: 'sha256', ranges: [{ start, end: start + bytes.byteLength }] }],
    take([result]) {
      if (result?.kind !== 'hash' || result.digest !== sha256)
        throw new SlotbenchError('source-changed', `${image.name} changed while it was being verified`)
    },
  }
}

interface Expected {
  readonly partition: string
  readonly probe: Probe | undefined
  evidence(): AvbDigestEvidence
}

function expectationsOf(
  by: string,
  vbmeta: Vbmeta,
  find: (partition: string) => ChainImage | undefined,
): readonly Expected[] {
  return vbmeta.descriptors.flatMap((descriptor) => {
    if (descriptor.kind !== 'hash' && descriptor.kind !== 'hashtree') return []
    return [expectationOf(by, descriptor, find(descriptor.partition))]
  })
}

function expectationOf(
  by: string,
  descriptor: HashDescriptor | HashtreeDescriptor,
  image: ChainImage | undefined,
): Expected {
  const { partition, kind } = descriptor
  const fec = kind === 'hashtree' ? descriptor.fecSize : 0
  const common = { partition, kind, by, fec }
  if (image === undefined)
    return { partition, probe: undefined, evidence: () => ({ ...common, state: 'missing' }) }
  const expectation =
    kind === 'hash'
      ? hashExpectation(descriptor, image.image.size)
      : hashtreeExpectation(descriptor, image.image.size)
  if (expectation.kind === 'settled') {
    const { state, detail } = expectation
    return { partition, probe: undefined, evidence: () => ({ ...common, state, detail }) }
  }
  let problem: string | undefined | null = null
  return {
    partition,
    probe: {
      image,
      specs: expectation.specs,
      take(results) {
        problem = expectation.compare(results)
      },
    },
    evidence() {
      if (problem === null) throw new SlotbenchError('internal', `${partition} was not digested`)
      return problem === undefined
        ? { ...common, state: 'holds' }
        : { ...common, state: 'differs', detail: problem }
    },
  }
}

function refuseTooMany(expected: readonly Expected[]): void {
  const counts = new Map<string, number>()
  for (const { partition, probe } of expected) {
    if (probe === undefined) continue
    const count = (counts.get(partition) ?? 0) + 1
    if (count > MAX_PER_IMAGE)
      throw new SlotbenchError(
        'package-unsafe',
        `vbmeta demands more than ${MAX_PER_IMAGE} digests of ${partition}`,
      )
    counts.set(partition, count)
  }
}
