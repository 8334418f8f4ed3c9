// Slotbench's own command line rescues a dead terminal in EDL over the kernel's USB, from the package that qdl has flashed.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { check } from './checks.ts'
import type { GadgetClient } from './gadget-client.ts'
import { assertBothSlots } from './linaro-qdl.ts'
import { start } from './programs.ts'
import { EDL_ROM, ROM_FOLDER, romPath } from './setup.ts'

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const roms = process.env[ROM_FOLDER] ?? ''
/** dummy_hcd has one bus with one port; in EDL a terminal has no serial number. */
const BAY = 'usb:1-1'

const LIMIT_MS = 400_000

/** @returns what the command told, an event a line. */
export async function rescueWithSlotbench(): Promise<string> {
  const where = ['--json', '--data', '/run/slotbench-edl']
  const what = ['rescue', romPath(roms, EDL_ROM), '--terminal', BAY, '--assume-model', 'NX679J', '--yes']
  const args = [...process.execArgv, CLI, ...where, ...what]
  const { status, stdout, output } = await start(process.execPath, args, { limitMs: LIMIT_MS }).finished
  assert.equal(status, 0, output.slice(-1500))
  assert.match(stdout, /"state":"done"/)
  return stdout
}

export async function slotbenchEdlChecks(terminal: GadgetClient): Promise<void> {
  await check('Slotbench rescues a dead terminal from the same package byte-exact, both slots', async () => {
    await rescueWithSlotbench()
    await assertBothSlots(terminal)
    const { verdict, build } = await terminal.call('wouldBoot')
    assert.deepEqual([verdict, build], ['booted', 'NX679J-V2'])
  })
}
