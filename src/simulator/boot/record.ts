// What is remembered of each attempt to boot.
import type { Slot } from '../../shared/units.ts'

export type BootVerdict =
  | 'booted'
  | 'recovery'
  | 'bootloader'
  | 'verify-failed'
  | 'rollback-refused'
  | 'kernel-crashed'
  | 'no-bootable-slot'
  | 'no-bootloader'

/** One attempt to boot and what came of it. */
export interface BootRecord {
  /** Undefined on terminals without slots, or when no slot was tried. */
  readonly slot: Slot | undefined
  readonly verdict: BootVerdict
  /** What the slot's vbmeta calls its build, where it could be read. */
  readonly build: string | undefined
  /** Why, in words. */
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly at: number
}
