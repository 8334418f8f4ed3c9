// What two Windows commands print about USB devices: PowerShell's Get-PnpDevice as JSON, and pnputil where that is refused.
import type { WindowsUsbNode } from './inspection.ts'

/** More than any machine has; a longer list is not from these commands. */
const MAX_NODES = 4096

/** One array, also for a single device; enumerations as numbers (ConvertTo-Json's own way). */
export const PNP_DEVICE_COMMAND =
  "ConvertTo-Json -Depth 3 -Compress -InputObject @(Get-PnpDevice -PresentOnly | Where-Object InstanceId -like 'USB\\VID_*' | " +
  'Select-Object InstanceId,FriendlyName,Service,ConfigManagerErrorCode,CompatibleID)'

/** @returns undefined when the text is no such JSON. Entries that are no USB devices are left out. */
export function parsePnpDevices(text: string): readonly WindowsUsbNode[] | undefined {
  let parsed: unknown
  try {
    // PowerShell writes a byte-order mark into redirected output.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
  const list = Array.isArray(parsed) ? parsed : [parsed]
  if (list.length > MAX_NODES) return undefined
  return list.map(nodeOf).filter((node) => node !== undefined)
}

function nodeOf(entry: unknown): WindowsUsbNode | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const field = (name: string): unknown => Reflect.get(entry, name)
  const instanceId = textOf(field('InstanceId'))
  if (instanceId === undefined) return undefined
  const ids = field('CompatibleID')
  return {
    instanceId,
    name: textOf(field('FriendlyName')),
    service: textOf(field('Service')),
    inf: undefined,
    problem: problemOf(field('ConfigManagerErrorCode')),
    compatibleIds: (Array.isArray(ids) ? ids : [ids]).map(textOf).filter((id) => id !== undefined),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** A number, or since PowerShell 7 with -EnumsAsStrings its name. Only two names decide anything. */
function problemOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value === 'CM_PROB_NONE') return 0
  return value === 'CM_PROB_FAILED_INSTALL' ? 28 : undefined
}

/** `pnputil /enum-devices /connected /drivers`. Its labels are translated into the system's language, so values are told by their
 * form: an instance id, a file name ending in .inf, a problem code. Blocks are separated by empty lines.
 * @returns USB devices only. */
export function parsePnputil(text: string): readonly WindowsUsbNode[] {
  const nodes: WindowsUsbNode[] = []
  for (const block of text.split(/\r?\n[ \t]*\r?\n/)) {
    const node = blockNode(block)
    if (node !== undefined && nodes.length < MAX_NODES) nodes.push(node)
  }
  return nodes
}

function blockNode(block: string): WindowsUsbNode | undefined {
  const values = block
    .split(/\r?\n/)
    .map((line) => /^\s*[^:\r\n]{1,80}:\s+(.*\S)\s*$/.exec(line)?.[1])
    .filter((value) => value !== undefined)
  const at = values.findIndex((value) => /^USB\\VID_/i.test(value))
  const instanceId = values[at]
  if (instanceId === undefined) return undefined
  const infs = values.filter((value) => /^[^\\/:]+\.inf$/i.test(value))
  // `oem12.inf` is a copy; the name that the driver came with follows it.
  const inf = infs.find((value) => !/^oem\d+\.inf$/i.test(value)) ?? infs[0]
  const code = values
    .map((value) => /^(\d{1,2}) \(0x[0-9a-f]+\)/i.exec(value)?.[1])
    .find((n) => n !== undefined)
  const name = values[at + 1]
  return {
    instanceId,
    name: name === undefined || /^\{/.test(name) ? undefined : name,
    service: undefined,
    inf,
    problem: code === undefined ? undefined : Number(code),
    compatibleIds: values.filter((value) => /^USB\\Class_/i.test(value)),
  }
}
