// Puts Slotbench's udev rule in place, or says what to type where that needs root.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RunProgram } from './run-program.ts'

export const RULE_NAME = '51-slotbench.rules'
const FOLDER = '/etc/udev/rules.d'
const RELOAD = ['control', '--reload'] as const
/** Applies the rule to what is plugged in already. */
const TRIGGER = ['trigger', '--subsystem-match=usb'] as const

/** @param rule absolute path of the rule to install. */
export function installCommand(rule: string): string {
  const target = `${FOLDER}/${RULE_NAME}`
  const quoted = `'${rule.replaceAll("'", "'\\''")}'`
  return `sudo install -m 644 ${quoted} ${target} && sudo udevadm ${RELOAD.join(' ')} && sudo udevadm ${TRIGGER.join(' ')}`
}

export interface InstallHost {
  readonly root: string
  readonly rule: string
  readonly run: RunProgram
}

/** @returns where it was written, and whether udev has read it; without a running udev it does so at its next start.
 * @throws SlotbenchError `host-io` when the rule cannot be read or written. */
export async function installRule({
  root,
  rule,
  run,
}: InstallHost): Promise<{ readonly path: string; readonly reloaded: boolean }> {
  const path = `${FOLDER}/${RULE_NAME}`
  try {
    const text = await readFile(rule, 'utf8')
    await mkdir(join(root, FOLDER), { recursive: true })
    await writeFile(join(root, path), text, { mode: 0o644 })
  } catch (cause) {
    throw new SlotbenchError('host-io', `${path} cannot be written`, { cause })
  }
  for (const args of [RELOAD, TRIGGER]) {
    const { code } = await run('udevadm', args)
    if (code !== 0) return { path, reloaded: false }
  }
  return { path, reloaded: true }
}
