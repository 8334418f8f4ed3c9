// The way from the mode a terminal is in to the one that is needed: by its own commands where there are any, else by hands
// (zte-domain §2.2).
import { asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import { guideFor } from '../../shared/guide-choice.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { Mode } from '../../shared/terminal.ts'
import type { RebootTarget, TerminalSession } from '../terminals/types.ts'
import type { BayOptions, BaySessions, NextOptions, Patience, Waiting } from './bay-sessions.ts'

/** Restarts on one way: the longest has two, and each may go astray once. */
const MAX_RESTARTS = 4

/** The next restart on the way, undefined where software knows none. */
export function nextRestart(from: Mode, to: Mode): RebootTarget | undefined {
  const overAdb =
    from === 'system' ||
    from === 'recovery' ||
    from === 'sideload' ||
    from === 'rescue' ||
    from === 'charging'
  if (!overAdb && from !== 'bootloader' && from !== 'fastbootd' && from !== 'edl') return undefined
  switch (to) {
    case 'bootloader':
    case 'fastbootd':
    case 'recovery':
    case 'system':
      return to
    case 'sideload':
      // A bootloader cannot ask for it; recovery can be asked where it has ADB, and by hands where it has not.
      return overAdb ? 'sideload' : 'recovery'
    case 'edl':
      return overAdb || from === 'edl' ? 'edl' : undefined
    default:
      return undefined
  }
}

/** What hands should do to get from the state that is seen to a mode. */
export function handsFor(at: Mode, to: Mode, seconds: number): Waiting {
  // An interface of ADB stands for the running system until it is asked; whoever needs hands there has to start anew.
  const guide = guideFor(at === to ? 'recovery' : at, to)?.id
  const reason = to === 'bootloader' && at === 'system' ? 'hands-to-bootloader' : 'hands'
  return { reason, seconds, ...(guide === undefined ? {} : { guide }) }
}

export type ReachOptions = Pick<BayOptions, 'signal' | 'patience'> & Pick<NextOptions, 'onSystem'>

/** A session with the terminal in the wanted mode, whatever mode it was in.
 * @throws SlotbenchError `mode-not-reached` when neither software nor hands brought it there in time, `terminal-not-found` when
 * nothing stands on the bay, and what opening throws. */
export async function reachMode(bay: BaySessions, to: Mode, o: ReachOptions): Promise<TerminalSession> {
  let restarts = 0
  for (;;) {
    const session = await nextOnTheWay(bay, to, o)
    const from = session.facts.mode
    if (from === to) return session
    const restart = restarts < MAX_RESTARTS ? nextRestart(from, to) : undefined
    if (restart === undefined) {
      bay.giveUp(new SlotbenchError('mode-not-reached', `from ${from} only hands lead to ${to}`))
      await session.close()
      continue
    }
    restarts += 1
    try {
      await session.reboot(restart, { signal: o.signal, deadline: Deadline.after(o.patience.open) })
    } catch (thrown) {
      await session.close()
      const error = asSlotbenchError(thrown)
      if (error.code !== 'terminal-refused') throw error
      bay.giveUp(error)
      continue
    }
    await bay.departed()
  }
}

/** A session with the terminal in whatever mode it is; one that cannot be opened needs hands, to its bootloader if nothing else is
 * wanted. */
export async function anyMode(
  bay: BaySessions,
  patience: Patience,
  to: Mode = 'bootloader',
): Promise<TerminalSession> {
  return nextOnTheWay(bay, to, { patience })
}

/** As `anyMode`, before anything is planned: a terminal in EDL whose programmer is missing or wrong is said at once. */
export async function whateverMode(bay: BaySessions, patience: Patience): Promise<TerminalSession> {
  return nextOnTheWay(bay, 'bootloader', { patience }, true)
}

async function nextOnTheWay(
  bay: BaySessions,
  to: Mode,
  o: Omit<ReachOptions, 'signal'>,
  needsEdl = to === 'edl',
): Promise<TerminalSession> {
  const { patience, onSystem } = o
  const seconds = Math.round(patience.hands / 1000)
  const hands = (seen: Mode) => handsFor(seen, to, seconds)
  // Hands take longer than a restart, and whether they are needed is seen only when the terminal is there.
  const ms = bay.obstacle === undefined ? patience.reconnect : patience.hands
  try {
    return await bay.next({
      ...{ ms, handsMs: patience.hands, waiting: { reason: 'terminal' }, hands, onSystem },
      needsEdl,
    })
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    const obstacle = bay.obstacle
    if (error.code !== 'terminal-not-found' || obstacle === undefined) throw error
    throw new SlotbenchError(
      'mode-not-reached',
      `the terminal did not come up in ${to}: ${obstacle.message}`,
      {
        cause: obstacle,
      },
    )
  }
}
