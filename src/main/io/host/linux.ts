// A Linux host as the doctor wants it: sysfs, procfs and udev's files below one root, so that tests hand in a tree of their own.
import { readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { LinuxInspection } from '../../core/doctor/inspection.ts'
import { type InstalledRule, ruleState } from '../../core/doctor/udev-rule.ts'
import { readProcesses } from './linux-processes.ts'
import { readUsbDevices } from './linux-usb.ts'
import { textFile } from './small-files.ts'
import { installCommand, RULE_NAME } from './udev-install.ts'

export interface LinuxHost {
  /** `/`, or a folder that holds trees of sys, proc, dev, run and etc. */
  readonly root: string
  /** Path of the udev rule that belongs to this Slotbench. */
  readonly rule: string
  readonly userId: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** In udev's own order (udev(7)): what is in /etc decides. */
const RULE_FOLDERS = [
  'etc/udev/rules.d',
  'run/udev/rules.d',
  'usr/local/lib/udev/rules.d',
  'usr/lib/udev/rules.d',
  'lib/udev/rules.d',
]

/** Never throws for what is not there. */
export async function inspectLinux({ root, rule, userId, env }: LinuxHost): Promise<LinuxInspection> {
  const devices = await readUsbDevices(root)
  const files = (devices ?? []).flatMap((d) => [d.file, ...d.interfaces.flatMap((i) => i.files)])
  const processes = await readProcesses(root, new Set(files))
  const installed = await Promise.all(RULE_FOLDERS.map((folder) => installedRule(root, folder)))
  return {
    platform: 'linux',
    hasUsb: devices !== undefined,
    devices: devices ?? [],
    holders: processes.holders,
    hiddenProcesses: processes.hidden,
    modemManager: processes.modemManager,
    adbServer: processes.adbServer,
    rule: ruleState(installed, (await textFile(rule)) ?? ''),
    installRule: installCommand(rule),
    root: userId === 0,
    remoteSession: (env['SSH_CONNECTION'] ?? '') !== '',
  }
}

async function installedRule(root: string, folder: string): Promise<InstalledRule> {
  const path = `/${folder}/${RULE_NAME}`
  const link = await readlink(join(root, path)).catch(() => undefined)
  return { path, text: link === '/dev/null' ? '' : await textFile(root, path) }
}
