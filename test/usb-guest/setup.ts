// What the host's and the guest's side of the test agree on.
import { join } from 'node:path'
import type { PackageKind } from '../../src/shared/rom.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import type { ProfileOptions } from '../../src/simulator/profiles/types.ts'

const MIB = 1024 * 1024

export const PROFILE_ID: ProfileId = 'nx679j'
/** Small, because everything here runs under emulation; the limit is small enough to need several downloads for one image. */
export const PROFILE: ProfileOptions = { sizes: { system: 12 * MIB }, maxDownload: 4 * MIB }
export const SERIAL = 'GUEST679J01'

/** What Node 24 says when it dies under emulation, now and then, at a cold start: V8 replaces hot functions of the WASM module that strips
 * the types by optimised ones (Runtime_WasmTriggerTierUp). One start in ten to forty, seen; never outside the guest. */
export const EMULATION_DEATH = 'Check failed: it->second.Size() > offset'

/** For every Node of the guest; children inherit them. They keep V8 from most of that; a check that meets it all the same is run again. */
export const NODE_FLAGS = ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering'] as const

/** One package for each job, each a newer build than the one before. */
export const ROMS = ['ota-zip', 'fastboot-folder', 'fastboot-zip'] as const satisfies readonly PackageKind[]

/** For the terminal in EDL: less data, because Debian's qdl sends one packet at a time. */
export const EDL_PROFILE: ProfileOptions = {
  sizes: { system: 2 * MIB, vendor: MIB, product: MIB, boot: MIB, userdata: 2 * MIB },
}
export const EDL_SERIAL = 'GUESTEDL001'
export const EDL_ROM = 'edl-folder' satisfies PackageKind

/** The groups of checks; `npm run test:usb -- GROUP…` runs only those. */
export const GROUPS = ['edl', 'fastboot', 'slotbench'] as const
/** Slotbench beside qdl: run when it is asked for by name, because what comes of it are times (`npm run bench -- edl --guest`). */
export const RACE = 'edl-race'
export type Group = (typeof GROUPS)[number] | typeof RACE
/** How the line with the times begins. */
export const RACE_WORDS = 'race: '
export const CHOSEN_GROUPS = 'SLOTBENCH_TEST_GROUPS'

export function romPath(folder: string, kind: PackageKind): string {
  return join(folder, kind)
}

export function expectedPath(folder: string, kind: PackageKind): string {
  return join(folder, `${kind}.expected.json`)
}

/** What a partition holds when the image is written byte-exact. */
export interface Expected {
  readonly size: number
  readonly sha256: string
}

/** Variables that the host hands to the guest: the folder of the ROMs, and one that both sides see and the guest writes to. */
export const ROM_FOLDER = 'SLOTBENCH_TEST_ROMS'
export const SHARED = 'SHARED'
/** Left by the guest in the shared folder. */
export const CHECKS_FILE = 'checks.json'

export interface Check {
  readonly title: string
  /** Absent when it passed. */
  readonly failure?: string
  readonly ms: number
}
