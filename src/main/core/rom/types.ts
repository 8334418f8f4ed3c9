import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { ByteSource, ImageSource } from '../source.ts'
import type { PackageClaims } from '../trust/claims.ts'
import type { TrustEvidence } from '../trust/evidence.ts'

/** A package opened: what it says of itself, and its images, which stream from where they lie. */
export interface Rom {
  readonly info: RomInfo
  /** What the package's container vouches for beyond the digests of its images; run by `verifyRom`. */
  readonly containerChecks?: readonly ContainerCheck[]
  /** The signatures that came with it; `verifyRom` computes what they are over. */
  readonly claims?: PackageClaims
  /** @param image one of `info.images` (matched by name and slot), or `info.superEmpty`.
   * @throws SlotbenchError `package-incomplete` when there is no such image. */
  image(image: Pick<RomImageInfo, 'name' | 'slot'>): ImageSource
  /** One of `info.edl.loaders`, to be closed by who asked for it. Only EDL packages have any.
   * @throws SlotbenchError `package-incomplete` when there is no such programmer. */
  loader?(name: string): Promise<ByteSource>
  close(): Promise<void>
}

/** One pass over bytes of the package, e.g. the CRC-32 of a zip member or the digest of a whole payload. */
export interface ContainerCheck {
  readonly name: string
  /** Bytes that the pass reads. */
  readonly size: number
  /** @throws SlotbenchError `digest-mismatch`, `zip-invalid` or what reading throws. */
  run(options: { readonly signal: AbortSignal; onBytes(count: number): void }): Promise<void>
}

export type VerifiedImageInfo = RomImageInfo & { readonly sha256: Sha256 }

/** A ROM every byte of which was read and found to be what its digests promise. */
export interface VerifiedRom extends Rom {
  readonly info: RomInfo & { readonly images: VerifiedImageInfo[] }
  /** What was found on the way, for a verdict on whether it is genuine. */
  readonly evidence: TrustEvidence
  /** Its images carry the digests that were computed. */
  image(image: Pick<RomImageInfo, 'name' | 'slot'>): ImageSource & { readonly sha256: Sha256 }
}
