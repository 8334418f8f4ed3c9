// How the ADB daemon and the recovery of one simulated terminal behave, and how they misbehave: data, so that a test repeats.
import type { PromptAnswer } from './auth.ts'
import type { AdbVersion } from './wire.ts'

/** What goes wrong with the properties of the running system. */
export interface PropertyFaults {
  /** Names that are not there. */
  readonly missing?: readonly string[]
  /** Names with other values than they should have: empty, absurdly long, with control characters. */
  readonly replaced?: Readonly<Record<string, string>>
}

export interface BootProgress {
  /** Until `sys.boot_completed` is 1, counted from the start of the mode. */
  readonly ms: number
  /** Why it never is: the first processes restart for ever, or it just takes for ever. */
  readonly fails?: 'zygote-loop' | 'never-completes'
}

/** What goes wrong while a package is sideloaded. Block numbers count from 0; `request` counts requests from 1. */
export type SideloadFault =
  /** Nothing more is asked for. */
  | { readonly kind: 'stall'; readonly request: number }
  | { readonly kind: 'drop-link'; readonly request: number }
  /** Asks for the block after the last. */
  | { readonly kind: 'block-outside'; readonly request: number }
  /** Eight bytes that are no number. */
  | { readonly kind: 'garbage-request'; readonly request: number }
  /** Refuses whatever the package is. */
  | { readonly kind: 'refuse'; readonly reason: 'signature' | 'model' | 'older' }

export interface RecoveryBehaviour {
  /** What ends a sideload. AOSP's minadbd says DONEDONE after every sideload, installed or not, and FAILFAIL in rescue only
   * (minadbd_services.cpp); `honest` says FAILFAIL for a sideload that failed, as makers' own recoveries do. */
  readonly verdict: 'honest' | 'always-done'
  /** Blocks that stay in memory; others are asked for again when they are read again (AOSP fuse_sideload.cpp). */
  readonly cacheBlocks: number
  readonly faults: readonly SideloadFault[]
}

export interface AdbBehaviour {
  readonly version: AdbVersion
  /** Most bytes of a payload: 4096 at first, 256 KiB from Android 7, 1 MiB from Android 9 on (AOSP adb.h). */
  readonly maxData: 4096 | 262144 | 1048576
  readonly features: readonly string[]
  /** Where a host has to prove itself; minadbd never asks. */
  readonly auth: 'none' | 'system' | 'system-and-recovery'
  readonly prompt: { readonly answer: PromptAnswer; readonly ms: number }
  readonly boot: BootProgress
  readonly properties: PropertyFaults
  readonly recovery: RecoveryBehaviour
}

export type AdbBehaviourChanges = Partial<Omit<AdbBehaviour, 'recovery'>> & {
  readonly recovery?: Partial<RecoveryBehaviour>
}

const MODERN: AdbBehaviour = {
  version: 0x01000001,
  maxData: 1048576,
  // As an adbd of Android 12 says it, without what this one lacks (delayed acks, compression, push and pull).
  features: ['shell_v2', 'cmd'],
  auth: 'none',
  prompt: { answer: 'allow', ms: 0 },
  boot: { ms: 0 },
  properties: {},
  recovery: { verdict: 'honest', cacheBlocks: 0, faults: [] },
}

/** The usual behaviour with what the caller wants changed. */
export function adbBehaviour(changes: AdbBehaviourChanges = {}): AdbBehaviour {
  return { ...MODERN, ...changes, recovery: { ...MODERN.recovery, ...changes.recovery } }
}
