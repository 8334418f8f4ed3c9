// The machine that Slotbench runs on, by whichever reader fits it.
import type { HostInspection } from '../../core/doctor/inspection.ts'
import { inspectLinux } from './linux.ts'
import { runProgram } from './run-program.ts'
import { inspectWindows } from './windows.ts'

/** @param rule path of the udev rule that belongs to this Slotbench. Never throws for what cannot be read. */
export async function inspectHost(rule: string): Promise<HostInspection> {
  switch (process.platform) {
    case 'linux':
      return inspectLinux({ root: '/', rule, userId: process.getuid?.() ?? -1, env: process.env })
    case 'win32':
      return inspectWindows({ run: runProgram })
    default:
      return { platform: 'other', name: process.platform }
  }
}
