// Slotbench's own command line does its main job over the kernel's USB, also when the cable is pulled in mid-download.
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './checks.ts'
import type { GadgetClient } from './gadget-client.ts'
import { type Finished, type Running, run, start } from './programs.ts'
import { type Expected, expectedPath, ROM_FOLDER, type ROMS, romPath, SERIAL } from './setup.ts'

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const roms = process.env[ROM_FOLDER] ?? ''
const MIB = 1024 * 1024
const NOBODY = 65534
/** dummy_hcd has one bus with one port. */
const BAY = 'usb:1-1'

function slotbench(...args: string[]): Running {
  return start(process.execPath, [...process.execArgv, CLI, '--json', '--data', '/run/slotbench', ...args])
}

function flash(kind: (typeof ROMS)[number]): Running {
  return slotbench('flash', romPath(roms, kind), '--terminal', SERIAL, '--yes')
}

/** The end of what a program said; its beginning is the whole plan. */
function ending({ output }: Finished): string {
  return output.slice(-4000)
}

async function succeeded(running: Running): Promise<Finished> {
  const finished = await running.finished
  assert.equal(finished.status, 0, ending(finished))
  assert.match(finished.stdout, /"state":"done"/)
  return finished
}

export async function slotbenchChecks(terminal: GadgetClient): Promise<void> {
  async function assertHolds(kind: (typeof ROMS)[number], slot: 'a' | 'b'): Promise<void> {
    const images: Record<string, Expected> = JSON.parse(readFileSync(expectedPath(roms, kind), 'utf8'))
    assert.ok(Object.keys(images).length >= 8)
    for (const [name, { size, sha256 }] of Object.entries(images)) {
      const partition = `${name}_${slot}`
      assert.equal(await terminal.call('digest', partition, size), sha256, `${partition} is not byte-exact`)
    }
  }

  async function unplugged(): Promise<void> {
    while (await terminal.call('plugged')) await sleep(20)
  }

  const list = () => slotbench('list').finished
  mkdirSync('/run/nobody')
  chownSync('/run/nobody', NOBODY, NOBODY)
  const asNobody = { uid: NOBODY, env: { HOME: '/run/nobody', NODE_COMPILE_CACHE: '/run/nobody/compiled' } }
  const listAsNobody = () =>
    start(process.execPath, [...process.execArgv, CLI, '--json', '--data', '/run/nobody', 'list'], asNobody)
      .finished
  // Side by side: starting the command line is what takes the time here.
  const [listed, denied] = [[list()], [listAsNobody()]]

  await check('Slotbench lists the terminal on its bay', async () => {
    const { status, stdout, output } = await (listed.pop() ?? list())
    assert.equal(status, 0, output)
    const [found, ...others] = JSON.parse(stdout).terminals
    assert.deepEqual(others, [])
    assert.deepEqual(
      [found.bay, found.mode, found.serial, found.usb.speed],
      [BAY, 'bootloader', SERIAL, 'high'],
    )
    assert.equal(found.problem, undefined)
  })

  await check('Slotbench says that a user without permission lacks it', async () => {
    assert.match((await (denied.pop() ?? listAsNobody())).output, /usb-permission/)
  })

  await check('the udev rules give the terminal to the user at the screen', async () => {
    const device = '/sys/bus/usb/devices/1-1'
    const udevadm = process.env['GUEST_UDEVADM'] ?? 'udevadm'
    assert.match(await run(udevadm, ['info', '--query=property', `--path=${device}`]), /^TAGS=.*:uaccess:/m)
  })

  await check('Slotbench flashes a full OTA byte-exact and sees it boot', async () => {
    await succeeded(flash('ota-zip'))
    await assertHolds('ota-zip', 'b')
  })

  await check('Slotbench goes on by itself when the cable is back', async () => {
    await terminal.call('pullAfter', 3 * MIB)
    const job = flash('fastboot-folder')
    await unplugged()
    await sleep(1_000)
    await terminal.call('plug')
    const { stdout } = await succeeded(job)
    assert.match(stdout, /terminal-gone/)
    await assertHolds('fastboot-folder', 'a')
  })

  await check('Slotbench resumes a job that was stopped while the cable was out', async () => {
    await terminal.call('pullAfter', 5 * MIB)
    const job = flash('fastboot-zip')
    await unplugged()
    await job.saw(/"type":"waiting".*"terminal"/)
    job.signal('SIGINT')
    const stopped = await job.finished
    assert.equal(stopped.status, 130, ending(stopped))
    const id = /"type":"state","job":"([^"]+)"/.exec(stopped.stdout)?.[1]
    assert.ok(id !== undefined, ending(stopped))
    await terminal.call('plug')
    await succeeded(slotbench('resume', id))
    await assertHolds('fastboot-zip', 'b')
  })
}
