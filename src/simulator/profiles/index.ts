// The terminals that can be simulated, by name.

import { NX769J, NX769J_TIGHT, NX789J } from './nx769j.ts'
import { withOptions } from './parts.ts'
import { A_ONLY, EMMC_AB, NX679J, NX679J_FETCH } from './qualcomm.ts'
import type { ProfileOptions, TerminalProfile } from './types.ts'
import { UNISOC_AB } from './unisoc.ts'

export const PROFILE_IDS = [
  'nx679j',
  'nx679j-fetch',
  'nx769j',
  'nx769j-tight',
  'nx789j',
  'emmc-ab',
  'unisoc-ab',
  'a-only',
] as const
export type ProfileId = (typeof PROFILE_IDS)[number]

const PROFILES: Readonly<Record<ProfileId, TerminalProfile>> = {
  nx679j: NX679J,
  'nx679j-fetch': NX679J_FETCH,
  nx769j: NX769J,
  'nx769j-tight': NX769J_TIGHT,
  nx789j: NX789J,
  'emmc-ab': EMMC_AB,
  'unisoc-ab': UNISOC_AB,
  'a-only': A_ONLY,
}

/** The named profile, resized and limited as wanted. */
export function profile(id: ProfileId, options: ProfileOptions = {}): TerminalProfile {
  return withOptions(PROFILES[id], options)
}
