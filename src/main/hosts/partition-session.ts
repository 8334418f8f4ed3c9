// A terminal opened in the mode it is in, for work on single partitions, as every host needs it.
import { SlotbenchError } from '../../shared/errors.ts'
import type { JourneyOptions } from '../flash/go-to-mode.ts'
import type { FlashSession, Sighting } from '../terminals/types.ts'
import type { Bench } from './bench.ts'

/** Gives the session to `work`, and closes it afterwards.
 * @throws SlotbenchError `job-busy` while a job works on that terminal, `terminal-wrong-mode` where its mode reaches no partitions. */
export async function withPartitions<T>(
  bench: Bench,
  sighting: Sighting,
  options: Omit<JourneyOptions, 'patience'>,
  work: (session: FlashSession) => Promise<T>,
): Promise<T> {
  bench.journal.checkFree(sighting.bay, sighting.serial)
  const session = await bench.session(sighting, options)
  try {
    // A serial number that only the opened terminal tells may be that of one with an unfinished run.
    bench.journal.checkFree(session.bay, session.facts.serial?.value)
    if (session.protocol === 'adb')
      throw new SlotbenchError(
        'terminal-wrong-mode',
        `in ${session.facts.mode} mode partitions are not reached; EDL and fastboot can`,
      )
    return await work(session as FlashSession)
  } finally {
    await session.close()
  }
}

/** @throws SlotbenchError `terminal-wrong-mode` where partitions cannot be read in its mode. */
export function checkReadsBack({ can, facts }: FlashSession): void {
  if (can.readBack) return
  throw new SlotbenchError(
    'terminal-wrong-mode',
    `the terminal gives no partition out in ${facts.mode} mode; in EDL it does`,
  )
}
