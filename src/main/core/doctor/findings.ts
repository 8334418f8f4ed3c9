// What each finding means, once; where and with which values, the examiners say.
import type { DoctorCode, DoctorFinding, Severity } from '../../../shared/doctor.ts'

const MEANINGS: Readonly<Record<DoctorCode, string>> = {
  'no-usb': 'This machine shows no USB: no terminal can be reached over it.',
  'no-device-files':
    'USB devices exist, but not the files through which programs open them, as in a container.',
  'host-unsupported':
    'Nothing needs to be set up on this system for USB; only Linux and Windows are examined.',
  'reader-failed': 'The system did not answer what it was asked, so its drivers are not examined.',
  'no-terminal':
    'No terminal is seen. A cable that only charges, a dead port or a terminal that is off look the same.',
  'permission-denied': 'The system does not let you open this terminal.',
  'device-held': 'Another program has this terminal open; only one can talk to it.',
  'holders-hidden': 'Programs of other users may hold a terminal; only root can see which.',
  'adb-server-running': 'A running adb server takes every terminal that has ADB as soon as it is plugged in.',
  'serial-driver-bound':
    'The kernel took it for a serial port or a modem. Slotbench takes it back when it opens it; until then programs that look for modems may write into it.',
  'storage-driver-bound': 'The kernel took it for a disk. Do not format it, whatever the desktop offers.',
  'modemmanager-probes':
    'ModemManager sends commands to new ports for many seconds. In the middle of a download protocol that breaks the first exchange.',
  'udev-rule-missing':
    'Slotbench’s udev rule is not installed: terminals belong to root, and ModemManager probes them.',
  'udev-rule-outdated':
    'The installed udev rule is not the one of this Slotbench; newer terminals may be left out.',
  'udev-rule-masked': 'The udev rule is switched off by an empty file of the same name.',
  'udev-rule-not-applied':
    'The rule is installed, but this terminal was plugged in before, or udev has not read it.',
  'slow-link': 'The link is slower than what both ends could do: a cable or a hub of USB 2.',
  'behind-hubs': 'Each hub is one more cause of dropped links in the middle of a transfer.',
  autosuspend: 'The kernel may put the link to sleep while the terminal is busy erasing and silent.',
  'not-readable':
    'The system could not read what the terminal is; it may be starting, or its cable may be bad.',
  'driver-missing': 'Windows has no driver for it, so no program can open it.',
  'driver-wrong': 'Windows gave it to a driver that Slotbench cannot use.',
  'driver-problem': 'Windows could not start its driver.',
}

export interface FindingMore {
  readonly place?: string
  readonly command?: string
}

export function finding(
  code: DoctorCode,
  severity: Severity,
  { detail, next }: { readonly detail: string; readonly next: string },
  more: FindingMore = {},
): DoctorFinding {
  return { code, severity, detail, meaning: MEANINGS[code], next, ...more }
}

const ORDER: readonly Severity[] = ['blocks', 'warning', 'advice']

/** The worst first; otherwise in the order they were found. */
export function sorted(findings: readonly DoctorFinding[]): DoctorFinding[] {
  return [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}
