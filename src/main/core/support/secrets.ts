// What of a job tells whose terminal it is, and on which computer it was worked on. Pure.
import type { Job } from '../../../shared/job.ts'
import type { Secret } from './redactor.ts'

/** Names of variables whose value belongs to one terminal alone. */
const TELLING =
  /serial|imei|meid|imsi|iccid|msisdn|phone|bssid|ssid|android_?id|cpu_?id|chip_?id|uuid|gsfid|account|(?:^|[._:-])(?:mac|macaddr|esn|cid|sn)(?:$|[._:-])|_mac|mac_/i
/** Of partitions, whatever they are called. */
const ABOUT_PARTITIONS = /^(?:partition-|has-slot|is-logical|slot-)/
const SAYS_NOTHING = /^(?:unknown|null|none|n\/a|true|false|yes|no|0x0+|0+)$/i
const SHORTEST = 4

export function secretsOf(job: Job): readonly Secret[] {
  const { facts, terminal, rom, steps } = job.plan
  const serials = [terminal.serial, facts.serial?.value, facts.chipSerial?.value]
  const files = [
    rom.path,
    ...steps.flatMap((step) => (step.kind === 'write-file' ? [step.file] : [])),
    ...job.steps.flatMap(({ receipt }) => (receipt?.kind === 'backup' ? [receipt.file] : [])),
  ]
  return [
    ...serials.flatMap((value) => (value === undefined ? [] : [{ kind: 'serial', value } as const])),
    ...Object.entries(facts.variables).flatMap(([name, value]) => secretsIn(name, value)),
    ...(job.operator === undefined ? [] : [{ kind: 'operator', value: job.operator } as const]),
    ...[terminal.bay, facts.bay].flatMap(hostsIn),
    ...files.flatMap(folderOf),
  ]
}

function secretsIn(name: string, value: string): readonly Secret[] {
  if (!TELLING.test(name) || ABOUT_PARTITIONS.test(name)) return []
  const kind = /imei|meid/i.test(name) ? 'imei' : /serial|(?:^|[._-])sn$/i.test(name) ? 'serial' : 'id'
  const words = value.split(/[\s,;]+/).filter((word) => word.length >= SHORTEST && !SAYS_NOTHING.test(word))
  // Several words without a digit are an answer, and no number.
  const telling = words.length === 1 ? words : words.filter((word) => /\d/.test(word))
  return telling.map((word) => ({ kind, value: word }))
}

/** A terminal over the network is on a bay that is called after a host. */
function hostsIn(bay: string): readonly Secret[] {
  const [, host] = /^tcp:(.+?)(?::\d+)+(?:,\d+)?$/.exec(bay) ?? []
  return host === undefined || /^(?:127\.|localhost$|\[?::1)/.test(host)
    ? []
    : [{ kind: 'host', value: host }]
}

/** Where a file lies is the bench's business; what it is called may help. */
export function folderOf(path: string): readonly Secret[] {
  const [, folder] = /^(.*[^\\/:])[\\/]+[^\\/]*$/.exec(path) ?? []
  return folder === undefined || !/[\\/]/.test(folder) ? [] : [{ kind: 'folder', value: folder }]
}
