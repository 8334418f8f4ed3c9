// "Done" means: seen booting on the new slot. What counts as seen, and what is done when it is not.
import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorCode, SlotbenchError } from '../../shared/errors.ts'
import type { Receipt } from '../../shared/job.ts'
import type { StepOf } from '../../shared/plan.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import type { Slot } from '../../shared/units.ts'
import type { FlashSession, TerminalSession } from '../terminals/types.ts'
import { judgeSystem } from './judge-system.ts'
import { handsFor } from './reach-mode.ts'
import type { RunContext } from './run-context.ts'

type Step = StepOf<'prove-boot'>

/** Restarts granted to a terminal that came back to its bootloader or recovery without having tried the new build. */
const MORE_RESTARTS = 2
/** What a terminal that restarts just then looks like. */
const BROKEN_LINK: ReadonlySet<ErrorCode> = new Set([
  'terminal-gone',
  'terminal-silent',
  'terminal-not-found',
  'usb-failed',
  'network-failed',
])
const AGAIN_MS = 200
/** Between two questions to a system that is still coming up. */
const POLL_MS = 500

/** One waiting for the new build: the time there is, and what was seen of the terminal meanwhile. */
interface Watch {
  readonly step: Step
  readonly context: RunContext
  readonly left: () => number
  system: boolean
}

export async function proveBoot(step: Step, context: RunContext): Promise<Receipt> {
  const until = performance.now() + context.plan.recipe.proofTimeout * 1000
  const watch: Watch = { step, context, left: () => Math.max(0, until - performance.now()), system: false }
  for (let restarts = 0; ; ) {
    const session = await returned(watch)
    const verdict = await judged(session, watch)
    switch (verdict.kind) {
      case 'proven':
        return { kind: 'proof', by: verdict.by, ...(step.slot === undefined ? {} : { slot: step.slot }) }
      case 'failed':
        return await failed(verdict.why, session, watch)
      case 'not-tried':
        if (restarts >= MORE_RESTARTS)
          return await failed(
            `it returned to its ${session.facts.mode} ${restarts + 1} times without booting ${step.slot === undefined ? 'the new build' : `slot ${step.slot}`}`,
            session,
            watch,
          )
        restarts += 1
        await restart(session, context)
        break
      case 'link-lost':
        await context.dropSession()
        break
    }
  }
}

async function judged(session: TerminalSession, watch: Watch): Promise<Verdict | { kind: 'link-lost' }> {
  const { step, context } = watch
  if (session.protocol === 'adb') return watchSystem(session, watch)
  if (step.slot !== undefined)
    return judge(step.slot, session.facts, { system: watch.system, unmarked: wasUnmarked(context) })
  if (watch.system && installedBySelf(context))
    throw new SlotbenchError('boot-not-proven', 'the terminal booted, and does not say which build that was')
  // Without slots there is nothing else that it could have booted.
  return watch.system ? { kind: 'proven', by: 'system-mode' } : { kind: 'not-tried' }
}

/** Asks a running system until it has come up, shows itself to be another one, or goes. */
async function watchSystem(
  session: TerminalSession,
  { step, context, left }: Watch,
): Promise<Verdict | { kind: 'link-lost' }> {
  const since = performance.now()
  const expected = {
    ...step,
    before: context.plan.facts.fingerprint?.value,
    installedBySelf: installedBySelf(context),
  }
  for (;;) {
    const verdict = judgeSystem(expected, session.facts)
    if (verdict.kind === 'doubtful')
      throw new SlotbenchError('boot-not-proven', `the terminal booted, but ${verdict.what}`)
    if (verdict.kind !== 'starting') return verdict
    // After a sideload the menu is there again, unless it was asked for one that restarts by itself: nothing was tried yet.
    const isStuck = isStuckInRecovery(session, since, context)
    if (isStuck && installedBySelf(context)) return { kind: 'not-tried' }
    if (isStuck)
      return { kind: 'failed', why: `the terminal came up in ${session.facts.mode} instead of its system` }
    if (left() === 0)
      throw new SlotbenchError('boot-not-proven', `the system was still starting: ${verdict.what}`)
    await delay(Math.min(POLL_MS, left()), undefined, { signal: context.signal })
    try {
      await session.refresh(context.io(context.patience.open))
    } catch (error) {
      if (!(error instanceof SlotbenchError) || !BROKEN_LINK.has(error.code)) throw error
      return { kind: 'link-lost' }
    }
  }
}

/** Recovery that stays is where a system ends that could not start ("Can't load Android system"). */
function isStuckInRecovery(session: TerminalSession, since: number, { patience }: RunContext): boolean {
  const { mode } = session.facts
  return (mode === 'recovery' || mode === 'rescue') && performance.now() - since > patience.adb
}

/** The old slot, where there is one, becomes active again; it was not touched. */
async function failed(seen: string, session: TerminalSession, { step, context }: Watch): Promise<never> {
  const why = installedBySelf(context)
    ? `${seen}: its recovery did not install the package after all, or the new system did not boot`
    : seen
  if (step.fallback === undefined)
    throw new SlotbenchError(step.slot === undefined ? 'boot-not-proven' : 'boot-failed', why)
  const isBack = session.protocol === 'adb' && session.facts.mode === 'system'
  if (isBack && session.facts.currentSlot?.value === step.fallback)
    throw new SlotbenchError('boot-failed', why)
  // A programmer in EDL switches slots as a bootloader does; nothing else is needed from one that came in there.
  const where = context.plan.facts.mode === 'edl' ? 'edl' : 'bootloader'
  const bootloader = (await context.reach(where)) as FlashSession
  const refusal = await switchBack(step.fallback, bootloader, context)
  await restart(bootloader, context)
  if (refusal === undefined) throw new SlotbenchError('boot-failed', why)
  const detail = `${why}, and its bootloader does not let slot ${step.fallback} be made active again`
  throw new SlotbenchError('boot-not-proven', detail, { cause: refusal })
}

/** minadbd calls every sideload done, installed or not (AOSP minadbd_services.cpp): only the boot tells. */
function installedBySelf({ plan }: RunContext): boolean {
  return plan.steps.some(({ kind }) => kind === 'sideload')
}

/** A locked bootloader refuses it; such a terminal goes back by itself when the new slot has used up its attempts. */
async function switchBack(
  to: Slot,
  bootloader: FlashSession,
  context: RunContext,
): Promise<SlotbenchError | undefined> {
  if (bootloader.facts.currentSlot?.value === to) return undefined
  try {
    await bootloader.setActive(to, context.io(context.patience.open))
    return undefined
  } catch (error) {
    if (error instanceof SlotbenchError && error.code === 'terminal-refused') return error
    throw error
  }
}

async function restart(session: TerminalSession, context: RunContext): Promise<void> {
  await session.reboot('system', context.io(context.patience.open))
  await context.departed()
}

/** The terminal after its restart, in whatever mode it shows itself, with fresh facts; notes on the way whether it was up in its system.
 * It is asked again for as long as the proof may take: one that restarts breaks links, and everything is written by now. */
async function returned(watch: Watch): Promise<TerminalSession> {
  const { context, left } = watch
  const seconds = Math.round(left() / 1000)
  for (;;) {
    try {
      const session = await context.bay.next({
        ms: left(),
        waiting: { reason: 'boot', seconds },
        hands: (seen) => handsFor(seen, 'bootloader', seconds),
        onSystem: () => {
          watch.system = true
        },
      })
      await context.keep(session)
      return session
    } catch (error) {
      if (error instanceof SlotbenchError && error.code === 'terminal-not-found') throw notSeen(error, watch)
      if (!(error instanceof SlotbenchError) || !BROKEN_LINK.has(error.code)) throw error
      if (left() === 0)
        throw new SlotbenchError('boot-not-proven', `no link to the terminal held: ${error.message}`, {
          cause: error,
        })
      await delay(AGAIN_MS, undefined, { signal: context.signal })
    }
  }
}

function notSeen(cause: SlotbenchError, { system, step }: Watch): SlotbenchError {
  const what = system
    ? `the terminal is up in system mode and does not let this computer in over ADB${step.slot === undefined ? '' : '; it did not come back to its bootloader either, where it would say which slot booted'}`
    : 'the terminal was not seen again'
  return new SlotbenchError('boot-not-proven', what, { cause })
}

export type Verdict =
  | { readonly kind: 'proven'; readonly by: Extract<Receipt, { kind: 'proof' }>['by'] }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'not-tried' }

/** What was seen besides the facts. */
export interface Sightings {
  /** The terminal was up in system mode since the switch. */
  readonly system: boolean
  /** The new slot had no `successful` mark right after the switch. */
  readonly unmarked: boolean
}

/** `slot-successful` is set by the booted system itself, so a new mark proves the boot. Where there is none, or it is an old one that
 * the bootloader did not take away at the switch, the boot is proven only together with the terminal having been up in system mode:
 * `current-slot` alone is what we set ourselves. */
export function judge(slot: Slot, facts: TerminalFacts, seen: Sightings): Verdict {
  const current = facts.currentSlot?.value
  const state = facts.slots[slot]
  if (current !== undefined && current !== slot)
    return { kind: 'failed', why: `the terminal went back to slot ${current}` }
  if (state?.unbootable?.value === true)
    return { kind: 'failed', why: `the terminal marked slot ${slot} unbootable` }
  const mark = state?.successful?.value
  if (mark === true && seen.unmarked) return { kind: 'proven', by: 'slot-successful' }
  if (mark !== true && state?.retryCount?.value === 0)
    return { kind: 'failed', why: `slot ${slot} has used up its boot attempts` }
  if (mark !== false && seen.system && current === slot)
    return { kind: 'proven', by: 'current-slot-after-system' }
  return { kind: 'not-tried' }
}

/** As the journal has it, so that it also counts for a proof on another day. */
function wasUnmarked(context: RunContext): boolean {
  const step = context.plan.steps.find((s) => s.kind === 'set-active')
  const receipt = context.job.steps.find((record) => record.id === step?.id)?.receipt
  return receipt?.kind === 'switch' && receipt.unmarked
}
