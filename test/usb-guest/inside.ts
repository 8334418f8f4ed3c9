// The guest's side: makes the terminal a USB device, and lets other programs and Slotbench flash it.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { edlRace } from './edl-race.ts'
import { GadgetClient } from './gadget-client.ts'
import { googleFastbootChecks } from './google-fastboot.ts'
import { linaroQdlChecks } from './linaro-qdl.ts'
import { CHOSEN_GROUPS, EDL_PROFILE, EDL_SERIAL, PROFILE, PROFILE_ID, RACE, SERIAL } from './setup.ts'
import { slotbenchChecks } from './slotbench-cli.ts'
import { slotbenchEdlChecks } from './slotbench-edl.ts'

const modules = process.env['GUEST_MODULES'] ?? ''
const release = process.env['GUEST_RELEASE'] ?? ''
const udevadm = process.env['GUEST_UDEVADM'] ?? ''

/** A virtual host controller wired to a virtual device controller, and udev, which announces plug and unplug. */
function prepareUsb(): void {
  const load = ['-d', modules, '-S', release, '-a', 'dummy_hcd', 'libcomposite', 'usb_f_fs', 'loop']
  execFileSync('modprobe', load, { stdio: 'inherit' })
  mkdirSync('/etc/udev/rules.d', { recursive: true })
  cpSync(join(modules, 'lib/udev/rules.d'), '/lib/udev/rules.d', { recursive: true })
  cpSync(
    join(import.meta.dirname, '../../resources/udev/51-slotbench.rules'),
    '/etc/udev/rules.d/51-slotbench.rules',
  )
  symlinkSync(udevadm, '/run/systemd-udevd')
  spawn('/run/systemd-udevd', [], { stdio: 'ignore', detached: true }).unref()
}

prepareUsb()
const groups = new Set(process.env[CHOSEN_GROUPS]?.split(' '))
const build = { build: 'NX679J-V1', rollbackIndex: 1, seed: 1 }
if (groups.has('edl')) {
  const terminal = new GadgetClient()
  const options = { profileId: PROFILE_ID, profile: EDL_PROFILE, serial: EDL_SERIAL, build }
  await terminal.call('start', { ...options, in: 'edl' })
  await linaroQdlChecks(terminal)
  terminal.kill()
  await terminal.ended
  const dead = new GadgetClient()
  await dead.call('start', { ...options, in: 'edl', hands: true })
  await slotbenchEdlChecks(dead)
  dead.kill()
  await dead.ended
}
if (groups.has(RACE)) await edlRace(build)
if (groups.has('fastboot') || groups.has('slotbench')) {
  const terminal = new GadgetClient()
  const options = { profileId: PROFILE_ID, profile: PROFILE, serial: SERIAL, build }
  await terminal.call('start', { ...options, in: 'bootloader' })
  if (groups.has('fastboot')) await googleFastbootChecks(terminal)
  if (groups.has('slotbench')) await slotbenchChecks(terminal)
  terminal.kill()
}
