import { openFastbootSession } from '../../src/main/terminals/fastboot/session.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import { bytes, partitionName } from '../../src/shared/units.ts'
import type { FlashBench } from '../flash-bench.ts'
import { powerCuts } from './cuts.ts'

const KIB = 1024

/** Slot b as no factory leaves it: one partition missing, one too small, and what an update left behind. Every kind of change to super
 * is then needed. */
async function inDisorder({ discovery, terminal }: FlashBench): Promise<void> {
  const io = { signal: new AbortController().signal, deadline: Deadline.after(10_000) }
  const open = async () =>
    openFastbootSession(await discovery.waitFor(({ protocol }) => protocol === 'fastboot', io), io)
  const arrived = new Promise<void>((resolve) => {
    terminal.on((event) => {
      if (event.kind === 'state' && event.state === 'fastbootd') resolve()
    })
  })
  await (await open()).reboot('fastbootd', io)
  await arrived
  const fastbootd = await open()
  await fastbootd.deleteLogical(partitionName('system_b'), io)
  await fastbootd.resizeLogical(partitionName('vendor_b'), bytes(64 * KIB), io)
  await fastbootd.resizeLogical(partitionName('system_b-cow'), bytes(64 * KIB), io)
  await fastbootd.close()
}

powerCuts({ policy: 'seamless', profile: 'nx769j', atLeast: 350, adb: {}, prepare: inDisorder })
