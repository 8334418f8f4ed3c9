// Proves a ROM before anything is planned on it: reads every image once, on all cores, and compares every digest. What verified boot
// and signatures need is digested in the same pass.
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { type DigestResult, type DigestSpec, WHOLE } from '../formats/stream-digests.ts'
import type { ImageSource } from '../source.ts'
import { type Probe, readAvbChains } from '../trust/avb-chain.ts'
import { claimDigests } from '../trust/claims.ts'
import type { AvbChainEvidence, TrustEvidence } from '../trust/evidence.ts'
import { type DigestOptions, digestImage, type FilePass, passesOf } from '../trust/passes.ts'
import type { Workshop } from '../workshop.ts'
import type { ContainerCheck, Rom, VerifiedImageInfo, VerifiedRom } from './types.ts'

export interface VerifyProgress {
  /** Bytes proven so far and in all. */
  readonly done: number
  readonly total: number
  /** What is being read. */
  readonly item: string
}

export interface VerifyOptions {
  readonly signal: AbortSignal
  readonly workshop: Workshop
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** Images read side by side: small ones fill the cores that the tail of a large one leaves idle. More would only cost
 * memory, because operations within an image already run in parallel. */
const SIDE_BY_SIDE = 2

/** A wrong digest of an image or file ends in an error; what verified boot or a signature says otherwise is told in the evidence.
 * @throws SlotbenchError `digest-mismatch` naming the image, or what reading and decoding throw. */
export async function verifyRom(rom: Rom, options: VerifyOptions): Promise<VerifiedRom> {
  // Of a delta, what its container vouches for is all that can be proven here; the rest is the recovery's to prove.
  const delta = rom.info.delta === true
  const images = delta ? [] : rom.info.images
  const chains = await readAvbChains(
    images.map((info) => ({ name: info.name, slot: info.slot, image: rom.image(info) })),
    options.signal,
  )
  const claims = claimDigests(rom.claims ?? {})
  const probes = chains.flatMap((chain) => chain.probes)
  const digests = await runAll(rom, { images, probes, passes: passesOf(claims.digests) }, options)
  const promised = images.filter((image) => (rom.image(image).sha256 ?? image.sha256) !== undefined).length
  const evidence: TrustEvidence = {
    ...claims.evidence(),
    images: { read: images.length, promised },
    delta,
    avb: chains.map((chain) => withTables(chain.evidence(), rom.info)),
  }
  const infos = rom.info.images.map((image) => ({
    ...image,
    sha256: delta ? sha256(image.sha256 ?? '') : digestOf(digests, image),
  }))
  return verified(rom, infos, evidence)
}

/** No vbmeta speaks of the tables that a set brings for super. */
function withTables(chain: AvbChainEvidence, { superEmpty }: RomInfo): AvbChainEvidence {
  return superEmpty === undefined ? chain : { ...chain, uncovered: [...chain.uncovered, superEmpty.name] }
}

interface Work {
  readonly images: readonly RomImageInfo[]
  readonly probes: readonly Probe[]
  readonly passes: readonly FilePass[]
}

async function runAll(
  rom: Rom,
  { images, probes, passes }: Work,
  options: VerifyOptions,
): Promise<ReadonlyMap<RomImageInfo, Sha256>> {
  const checks = rom.containerChecks ?? []
  const total = [...images, ...checks, ...passes].reduce((sum, item) => sum + item.size, 0)
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  let done = 0
  const count = (item: string) => (bytes: number) => {
    done += bytes
    options.onProgress?.({ done, total, item })
  }
  const { workshop } = options
  const digests = new Map<RomImageInfo, Sha256>()
  const tasks = [
    ...passes.map((pass) => () => pass.run({ signal, workshop, onBytes: count(pass.name) })),
    ...checks.map((check) => () => runCheck(check, signal, count(check.name))),
    ...images.map((image) => async () => {
      const wanted = probes.filter(
        (probe) => probe.image.name === image.name && probe.image.slot === image.slot,
      )
      const given = { signal, workshop, onBytes: count(image.name) }
      digests.set(image, await proveImage(image, { source: rom.image(image), probes: wanted }, given))
    }),
  ]
  try {
    // A pass over a file only hashes; images beside it keep the decoders busy.
    await inParallel(tasks, SIDE_BY_SIDE + Math.min(passes.length, 1), stop)
  } catch (error) {
    throw options.signal.aborted ? abortError(options.signal) : error
  }
  return digests
}

function runCheck(
  check: ContainerCheck,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  return check.run({ signal, onBytes })
}

/** The first failure stops the others and is the one that is thrown, after all of them have ended. */
async function inParallel(
  tasks: readonly (() => Promise<void>)[],
  width: number,
  stop: AbortController,
): Promise<void> {
  const rest = tasks.values()
  const failures: unknown[] = []
  const lane = async () => {
    for (const task of rest) {
      if (failures.length > 0) return
      try {
        await task()
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (failures.length > 0) throw failures[0]
}

interface Proving {
  readonly source: ImageSource
  readonly probes: readonly Probe[]
}

async function proveImage(
  image: RomImageInfo,
  { source, probes }: Proving,
  options: DigestOptions,
): Promise<Sha256> {
  const [own, ...others] = await digestImage(
    source,
    [SHA256, ...probes.flatMap(({ specs }) => specs)],
    options,
  )
  const actual = wholeDigest(own)
  const expected = source.sha256 ?? image.sha256
  if (expected !== undefined && expected !== actual)
    throw new SlotbenchError(
      'digest-mismatch',
      `image ${image.name} has SHA-256 ${actual}, the package promises ${expected}`,
    )
  for (const { specs, take } of probes) take(others.splice(0, specs.length))
  return actual
}

const SHA256: DigestSpec = { kind: 'hash', algorithm: 'sha256', ranges: [WHOLE] }

/** SHA-256 of the whole image, holes counted as zeros. */
export async function sha256OfImage(source: ImageSource, options: DigestOptions): Promise<Sha256> {
  const [result] = await digestImage(source, [SHA256], options)
  return wholeDigest(result)
}

function wholeDigest(result: DigestResult | undefined): Sha256 {
  if (result?.kind !== 'hash') throw new SlotbenchError('internal', 'an image was not digested')
  return sha256(result.digest)
}

function digestOf(digests: ReadonlyMap<RomImageInfo, Sha256>, image: RomImageInfo): Sha256 {
  const digest = digests.get(image)
  if (digest === undefined) throw new SlotbenchError('internal', `image ${image.name} was not read`)
  return digest
}

/** Small enough to be read and digested when the package was opened. */
function tablesOf(
  { superEmpty }: RomInfo,
  { name, slot }: Pick<RomImageInfo, 'name' | 'slot'>,
): Pick<VerifiedImageInfo, 'name' | 'slot' | 'sha256'> | undefined {
  if (superEmpty?.name !== name || slot !== undefined) return undefined
  return { name, sha256: sha256(superEmpty.sha256) }
}

function verified(rom: Rom, images: VerifiedImageInfo[], evidence: TrustEvidence): VerifiedRom {
  return {
    evidence,
    info: { ...rom.info, images },
    containerChecks: rom.containerChecks ?? [],
    image(wanted) {
      const image =
        images.find((one) => one.name === wanted.name && one.slot === wanted.slot) ??
        tablesOf(rom.info, wanted)
      if (image === undefined)
        throw new SlotbenchError('package-incomplete', `the package has no image ${wanted.name}`)
      const source = rom.image(image)
      return { size: source.size, sha256: image.sha256, extents: (options) => source.extents(options) }
    },
    ...(rom.loader === undefined ? {} : { loader: rom.loader }),
    close: () => rom.close(),
  }
}
