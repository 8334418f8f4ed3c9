// Slotbench's own command line rescues a dead terminal in EDL over the kernel's USB, from the package that qdl has flashed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from './checks.ts'
import type { GadgetClient } from './gadget-client.ts'
import { start } from './programs.ts'
import { EDL_ROM, type Expected, expectedPath, ROM_FOLDER, romPath } from './setup.ts'

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const roms = process.env[ROM_FOLDER] ?? ''
/** dummy_hcd has one bus with one port; in EDL a terminal has no serial number. */
const BAY = 'usb:1-1'

const LIMIT_MS = 400_000

export async function slotbenchEdlChecks(terminal: GadgetClient): Promise<void> {
  await check('Slotbench rescues a dead terminal from the same package byte-exact, both slots', async () => {
    const where = ['--json', '--data', '/run/slotbench-edl']
    const what = ['rescue', romPath(roms, EDL_ROM), '--terminal', BAY, '--assume-model', 'NX679J', '--yes']
    const args = [...process.execArgv, CLI, ...where, ...what]
    const { status, stdout, output } = await start(process.execPath, args, { limitMs: LIMIT_MS }).finished
    assert.equal(status, 0, output.slice(-1500))
    assert.match(stdout, /"state":"done"/)
    const images: Record<string, Expected> = JSON.parse(readFileSync(expectedPath(roms, EDL_ROM), 'utf8'))
    for (const [name, { size, sha256 }] of Object.entries(images)) {
      for (const partition of [`${name}_a`, `${name}_b`])
        assert.equal(await terminal.call('digest', partition, size), sha256, `${partition} is not byte-exact`)
    }
    const { verdict, build } = await terminal.call('wouldBoot')
    assert.deepEqual([verdict, build], ['booted', 'NX679J-V2'])
  })
}
