// Linaro's qdl flashes an EDL package onto the terminal over the kernel's USB, unmodified: Sahara, program, patch, boot LUN, reset.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './checks.ts'
import type { GadgetClient } from './gadget-client.ts'
import { run } from './programs.ts'
import { EDL_ROM, type Expected, expectedPath, ROM_FOLDER, romPath } from './setup.ts'

const roms = process.env[ROM_FOLDER] ?? ''
const UFS_LUNS = 6

export async function flashWithQdl(): Promise<void> {
  const folder = romPath(roms, EDL_ROM)
  const names = readdirSync(folder)
  const loader = names.find((name) => name.startsWith('prog_')) ?? ''
  const paths = [loader, ...names.filter((name) => name.endsWith('.xml'))].map((name) => join(folder, name))
  await run('qdl', ['--storage', 'ufs', '--include', folder, ...paths])
}

/** The images of the package, in slot a and in slot b. */
export async function assertBothSlots(terminal: GadgetClient): Promise<void> {
  const images: Record<string, Expected> = JSON.parse(readFileSync(expectedPath(roms, EDL_ROM), 'utf8'))
  assert.ok(Object.keys(images).length >= 10)
  for (const [name, { size, sha256 }] of Object.entries(images)) {
    for (const partition of [`${name}_a`, `${name}_b`])
      assert.equal(await terminal.call('digest', partition, size), sha256, `${partition} is not byte-exact`)
  }
}

export async function linaroQdlChecks(terminal: GadgetClient): Promise<void> {
  await check('Linaro’s qdl flashes an EDL package byte-exact, both slots', async () => {
    await flashWithQdl()
    await assertBothSlots(terminal)
    const commands = await terminal.call('commands')
    for (const wanted of [
      'sahara:done',
      'firehose:configure',
      'firehose:patch',
      'firehose:setbootablestoragedrive 1',
    ])
      assert.ok(
        commands.some((command) => command.startsWith(wanted)),
        `${wanted} is missing in ${commands.join('\n')}`,
      )
  })

  await check('the partition tables that qdl wrote and patched satisfy sgdisk', async () => {
    for (let lun = 0; lun < UFS_LUNS; lun++) {
      const file = `/run/lun${lun}.img`
      await terminal.call('dump', lun, file)
      const device = (await run('losetup', ['--sector-size', '4096', '--find', '--show', file])).trim()
      assert.match(await run('sgdisk', ['-v', device]), /No problems found/, `LUN ${lun}`)
      await run('losetup', ['--detach', device])
    }
  })

  await check('the terminal boots what qdl has flashed', async () => {
    while ((await terminal.call('state')) !== 'system') await sleep(100)
    const { verdict, build } = await terminal.call('wouldBoot')
    assert.deepEqual([verdict, build], ['booted', 'NX679J-V2'])
  })
}
