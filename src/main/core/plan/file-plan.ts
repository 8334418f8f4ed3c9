// Plans for single partitions: a backup that goes back to its terminal, or one file that a technician writes by hand. What is there now
// is kept first in both cases.
import type { Backup } from '../../../shared/backup.ts'
import type { Finding, Plan, Recipe, Step } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { splitSlot } from '../../../shared/units.ts'
import { backupTerminal, notItsBackup } from './backup-terminal.ts'
import { bytesSent } from './bytes-sent.ts'
import { checkBattery, checkLock, checkMode, type Findings, mergeFindings } from './checks.ts'
import { isProtected } from './protected.ts'
import { canReadBack } from './surveyed.ts'

export interface FilePlanInput {
  readonly facts: TerminalFacts
  readonly host: { readonly freeBytes: number }
  readonly batteryLimit: number
  /** ISO 8601. */
  readonly now: string
}

/** A file for one partition; `sha256` and `bytes` of the expanded image. */
export interface PartitionFile {
  readonly partition: string
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** @param files those of the backup that are to go back, found to be what its manifest says. */
export function planRestore(
  input: FilePlanInput,
  backup: Backup,
  source: { readonly folder: string; readonly files: readonly PartitionFile[] },
): Plan {
  const another = notItsBackup(backup.terminal, backupTerminal(input.facts))
  const finding: Finding = {
    code: 'another-terminal',
    detail: another ?? '',
    next: 'Restore a backup of this very terminal; `slotbench backups` lists them.',
  }
  const own: Findings = { blockers: another === undefined ? [] : [finding], warnings: [] }
  return planFiles(input, {
    ...{ kind: 'backup', path: source.folder, files: source.files, build: `backup ${backup.id}` },
    found: own,
    restore: true,
  })
}

/** @param options.activeSlot the technician knows that the partition belongs to the slot that boots. */
export function planWriteFile(
  input: FilePlanInput,
  file: PartitionFile,
  options: { readonly activeSlot: boolean },
): Plan {
  const blockers: Finding[] = []
  const { base, slot } = splitSlot(file.partition)
  if (isProtected(base))
    blockers.push({
      code: 'partition-protected',
      detail: `${file.partition} holds this terminal’s own radio or identity data`,
      next: 'Only its own backup may go there: `slotbench restore`.',
    })
  const current = input.facts.currentSlot?.value
  if (slot !== undefined && slot === current && !options.activeSlot)
    blockers.push({
      code: 'active-slot',
      detail: `${file.partition} belongs to slot ${slot}, which is the active one`,
      next: 'Write the other slot, or say with --active-slot that you know it.',
    })
  return planFiles(input, {
    ...{ kind: 'image', path: file.path, files: [file], build: file.path },
    found: { blockers, warnings: [] },
    restore: false,
  })
}

interface Files {
  readonly kind: 'backup' | 'image'
  readonly path: string
  readonly files: readonly PartitionFile[]
  readonly build: string
  readonly found: Findings
  readonly restore: boolean
}

function planFiles(input: FilePlanInput, what: Files): Plan {
  const { facts, now } = input
  const recipe = recipeFor(input)
  const backups = what.files.map(({ partition }) => ({
    partition,
    bytes: facts.partitions[partition]?.size ?? 0,
  }))
  const backupBytes = backups.reduce((sum, { bytes }) => sum + bytes, 0)
  const found = mergeFindings([
    checkMode(facts, 'rescue'),
    checkLock(facts),
    checkBattery(facts, recipe),
    what.found,
    checkPlaces(what.files, facts),
    checkReadBack(facts),
    checkRoom(backupBytes, input.host.freeBytes),
  ])
  const steps: Step[] = [
    { kind: 'identify', id: '' },
    ...backups.map((backup) => ({ kind: 'backup' as const, id: '', ...backup })),
    ...what.files.map(({ path, ...file }) => ({
      ...{ kind: 'write-file' as const, id: '', file: path, restore: what.restore },
      ...file,
    })),
  ]
  const numbered = steps.map((step, i) => ({
    ...step,
    id: `${String(i + 1).padStart(2, '0')}-${step.kind}${'partition' in step ? `-${step.partition}` : ''}`,
  }))
  return {
    ...{ version: 1, createdAt: now, facts, rom: sourceInfo(what), recipe, steps: numbered },
    terminal: {
      bay: facts.bay,
      ...(facts.serial === undefined ? {} : { serial: facts.serial.value }),
      ...(facts.product === undefined ? {} : { product: facts.product.value }),
    },
    blockers: [...found.blockers],
    warnings: [...found.warnings],
    totals: { writeBytes: numbered.reduce((sum, step) => sum + bytesSent(step), 0), backupBytes },
  }
}

function recipeFor({ batteryLimit }: FilePlanInput): Recipe {
  return { policy: 'single', wipe: false, batteryLimit, proofTimeout: 1 }
}

function sourceInfo({ kind, path, files, build }: Files): RomInfo {
  return {
    ...{ kind, path, build, packageSize: 0, models: [], full: false, downgrade: false, requirements: [] },
    ...{ dynamicGroups: [], notes: [] },
    fingerprint: files.map(({ partition, sha256 }) => `${partition}:${sha256}`).join(' '),
    images: files.map(({ partition, bytes, sha256 }) => ({
      ...{ name: partition, slotted: 'no' as const, placement: 'ask' as const, size: bytes, sha256 },
    })),
  }
}

function checkPlaces(files: readonly PartitionFile[], facts: TerminalFacts): Findings {
  const blockers = files.flatMap(({ partition, bytes }): Finding[] => {
    const size = facts.partitions[partition]?.size
    if (size === undefined)
      return [
        {
          code: 'partition-missing',
          detail: `the terminal has no partition ${partition}, or does not tell its size`,
          next: '`slotbench partitions` lists those that it has.',
        },
      ]
    return bytes <= size
      ? []
      : [
          {
            code: 'image-too-large',
            detail: `the file for ${partition} has ${bytes} bytes, the partition has room for ${size}`,
            next: 'Use the file made for this terminal.',
          },
        ]
  })
  return { blockers, warnings: [] }
}

/** Whatever is written is kept before and proven after; both take reading. */
function checkReadBack(facts: TerminalFacts): Findings {
  if (canReadBack(facts, facts.mode)) return { blockers: [], warnings: [] }
  const finding: Finding = {
    code: 'no-backup-possible',
    detail: `partitions cannot be read in ${facts.mode} mode, so what is there could not be kept`,
    next: 'Bring the terminal into EDL; `slotbench guide edl` says how.',
  }
  return { blockers: [finding], warnings: [] }
}

function checkRoom(needed: number, free: number): Findings {
  if (needed <= free) return { blockers: [], warnings: [] }
  const finding: Finding = {
    code: 'host-space',
    detail: `keeping what is there needs ${needed} bytes, ${free} are free`,
    next: 'Free some space on this computer, or choose another data folder with --data.',
  }
  return { blockers: [finding], warnings: [] }
}
