// The doctor: a host as it was found → what is wrong with it, worst first.
import type { DoctorReport } from '../../../shared/doctor.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { examineLinux } from './examine-linux.ts'
import { examineWindows } from './examine-windows.ts'
import { finding, sorted } from './findings.ts'
import type { HostInspection } from './inspection.ts'

/** Pure; never throws, whatever the host says of itself. */
export function examine(host: HostInspection): DoctorReport {
  const { devices, findings } = examined(host)
  return {
    platform: host.platform === 'other' ? host.name : host.platform,
    healthy: findings.every((f) => f.severity !== 'blocks'),
    devices: [...devices],
    findings: sorted(findings),
  }
}

function examined(host: HostInspection): Pick<DoctorReport, 'devices' | 'findings'> {
  switch (host.platform) {
    case 'linux':
      return examineLinux(host)
    case 'win32':
      return examineWindows(host)
    case 'other': {
      const words = { detail: host.name, next: 'Use `slotbench list` to see what is attached.' }
      return { devices: [], findings: [finding('host-unsupported', 'advice', words)] }
    }
    default:
      return missingCase(host)
  }
}
