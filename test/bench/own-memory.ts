// How much memory this process has resident, threads included.
import { readFileSync } from 'node:fs'

/** Bytes: the highest so far (`VmHWM`), or now (`VmRSS`). */
export function residentBytes(field: 'VmHWM' | 'VmRSS'): number {
  if (process.platform !== 'linux')
    return field === 'VmRSS' ? process.memoryUsage.rss() : process.resourceUsage().maxRSS * 1024
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1]) * 1024
}
