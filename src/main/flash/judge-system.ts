// What a system that answers over ADB says of the boot that is to be proven.
import type { StepOf } from '../../shared/plan.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import type { Verdict } from './prove-boot.ts'

export interface ExpectedBoot extends Pick<StepOf<'prove-boot'>, 'slot' | 'fingerprint'> {
  /** The fingerprint that the plan was made with: the build that was installed then. */
  readonly before: string | undefined
  /** The terminal's own recovery was to install the package, and its word proves nothing. */
  readonly installedBySelf: boolean
}

/** `starting`: nothing is decided yet. A terminal may pass through its recovery on the way to its first start. */
export type SystemVerdict =
  | Verdict
  | { readonly kind: 'starting'; readonly what: string }
  /** It boots, and something about it is not as it should be: for a person to judge. */
  | { readonly kind: 'doubtful'; readonly what: string }

/** `sys.boot_completed` is set by the system itself when everything has come up; together with the slot it runs from, and the
 * fingerprint where the package tells one, that is the proof. */
export function judgeSystem(step: ExpectedBoot, facts: TerminalFacts): SystemVerdict {
  const current = facts.currentSlot?.value
  if (step.slot !== undefined && current !== undefined && current !== step.slot)
    return { kind: 'failed', why: `the terminal went back to slot ${current}` }
  if (facts.mode !== 'system') return { kind: 'starting', what: `it is in ${facts.mode} mode` }
  if (facts.bootCompleted?.value !== true) return { kind: 'starting', what: 'sys.boot_completed is not set' }
  if (step.slot !== undefined && current === undefined)
    return { kind: 'starting', what: 'it does not say which slot it runs from' }
  const called = facts.fingerprint?.value
  // `post-build` may name several, one per variant of the hardware (AOSP ota_metadata.proto).
  if (step.fingerprint !== undefined && called !== undefined && !step.fingerprint.split('|').includes(called))
    return { kind: 'doubtful', what: `it calls itself ${called}, the package is ${step.fingerprint}` }
  if (step.slot === undefined && step.installedBySelf && !isNews(step, called))
    return {
      kind: 'doubtful',
      what: 'neither it nor the package says which build that is: without slots it may be the old one',
    }
  return { kind: 'proven', by: 'boot-completed' }
}

function isNews({ fingerprint, before }: ExpectedBoot, called: string | undefined): boolean {
  if (called === undefined) return false
  return fingerprint !== undefined || (before !== undefined && called !== before)
}
