// Steps in words, for the preview, the progress lines and the report.

import { formatBytes } from '../../../shared/format.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Step } from '../../../shared/plan.ts'
import type { Mode } from '../../../shared/terminal.ts'

const MODE_NAMES: Partial<Record<Mode, string>> = {
  system: 'its system',
  recovery: 'recovery',
  sideload: 'recovery, waiting for a package',
  bootloader: 'its bootloader',
  fastbootd: 'fastbootd',
  edl: 'EDL, its boot ROM’s download mode',
}

export function describe(step: Step): string {
  switch (step.kind) {
    case 'identify':
      return 'Check that it is the right terminal, in the state that was planned for'
    case 'backup':
      return `Back up ${step.partition}`
    case 'write':
      return `Write ${step.partition}`
    case 'verify':
      return step.method === 'read-back'
        ? `Verify ${step.partition} by reading it back`
        : `Verify ${step.partition} by the digest of what was sent`
    case 'erase':
      return `Erase ${step.partition}`
    case 'set-active':
      return `Make slot ${step.slot} active`
    case 'reboot':
      return step.to === 'system' ? 'Restart the terminal' : 'Restart into the bootloader'
    case 'enter-mode':
      return `Bring it into ${MODE_NAMES[step.mode] ?? step.mode}`
    case 'snapshot':
      return step.action === 'cancel'
        ? 'Drop the update that the terminal had prepared'
        : 'Let the terminal finish merging its own update'
    case 'delete-logical':
      return `Delete ${step.partition} from super`
    case 'resize-logical':
      return `Give ${step.partition} ${formatBytes(step.bytes)} of super`
    case 'update-super':
      return 'Replace the tables of super by those of the package'
    case 'new-super':
      return `Make empty tables for ${step.partition}`
    case 'write-table':
      return step.source === 'repair'
        ? `Repair the partition table of LUN ${step.lun} from its good copy`
        : `Write the package’s partition table to LUN ${step.lun}`
    case 'write-file':
      return step.restore
        ? `Bring ${step.partition} back from its backup, and read it back`
        : `Write the file to ${step.partition}, and read it back`
    case 'sideload':
      return 'Give the package to the terminal’s recovery'
    case 'prove-boot':
      return step.slot === undefined ? 'See the terminal boot' : `See slot ${step.slot} boot`
    default:
      return missingCase(step)
  }
}
