// Whether the udev rule that a host has installed is ours of today, and what udev has stored for a device.
import type { RuleState } from './inspection.ts'

/** One place where udev looks for the rule; the first that has the file decides (udev(7): /etc before /run before /usr). */
export interface InstalledRule {
  readonly path: string
  /** Undefined when there is no such file. An empty file, or a link to /dev/null, switches the rule off. */
  readonly text: string | undefined
}

/** @param ours text of the rule that belongs to this Slotbench. Comments and spacing do not count. */
export function ruleState(
  installed: readonly InstalledRule[],
  ours: string,
): { readonly state: RuleState; readonly path: string | undefined } {
  const found = installed.find((rule) => rule.text !== undefined)
  if (found?.text === undefined) return { state: 'missing', path: undefined }
  const lines = effectiveLines(found.text)
  if (lines.length === 0) return { state: 'masked', path: found.path }
  const current = lines.join('\n') === effectiveLines(ours).join('\n')
  return { state: current ? 'current' : 'outdated', path: found.path }
}

function effectiveLines(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/\s*,\s*/g, ', '))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

export interface UdevRecord {
  readonly properties: Readonly<Record<string, string>>
  readonly tags: readonly string[]
}

/** A file of /run/udev/data: `E:KEY=value` properties, `G:` and `Q:` tags (systemd, sd-device's database). */
export function parseUdevRecord(text: string): UdevRecord {
  const properties = new Map<string, string>()
  const tags = new Set<string>()
  for (const line of text.split('\n')) {
    const [, key, value] = /^E:([^=]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) properties.set(key, value)
    const tag = /^[GQ]:(.+)$/.exec(line)?.[1]
    if (tag !== undefined) tags.add(tag)
  }
  return { properties: Object.fromEntries(properties), tags: [...tags] }
}
