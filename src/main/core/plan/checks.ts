// Everything that must hold before a terminal is written, each as a pure check: facts + ROM + recipe → findings.
import type { Finding, Policy, Recipe } from '../../../shared/plan.ts'
import type { Requirement, RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { isLeavable, modesToSurvey } from './modes.ts'

export interface Findings {
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
}

const NONE: Findings = { blockers: [], warnings: [] }
const block = (code: Finding['code'], detail: string, next: string): Findings => ({
  blockers: [{ code, detail, next }],
  warnings: [],
})
const warn = (code: Finding['code'], detail: string): Findings => ({
  blockers: [],
  warnings: [{ code, detail }],
})

export function mergeFindings(parts: readonly Findings[]): Findings {
  return { blockers: parts.flatMap((p) => p.blockers), warnings: parts.flatMap((p) => p.warnings) }
}

export function checkMode(facts: TerminalFacts, policy: Policy): Findings {
  if (isLeavable(facts.mode)) return NONE
  if (facts.mode === 'edl' && policy !== 'sideload') return checkProgrammer(facts)
  return block(
    'wrong-mode',
    `the terminal is in ${facts.mode} mode`,
    'Bring it into the bootloader’s fastboot mode; `slotbench guide bootloader` says how.',
  )
}

/** What a programmer in EDL can do, and whether there is one. */
function checkProgrammer({ edl }: TerminalFacts): Findings {
  if (edl === undefined)
    return block(
      'edl-unread',
      'the terminal is in EDL, and no programmer runs on it',
      'Give the loader made for this terminal with --loader.',
    )
  if (edl.writable) return NONE
  return block(
    'loader-read-only',
    'the loader that runs on the terminal only reads and identifies ("peek"); it cannot write',
    'Use the maker’s programmer for this model (prog_firehose*), with --loader.',
  )
}

/** What only another mode knows is asked there before anything is planned. */
export function checkSurvey(facts: TerminalFacts, rom: RomInfo, policy: Policy): Findings {
  const missing = modesToSurvey(rom, facts, policy)
  if (missing.length === 0) return NONE
  return block(
    'needs-survey',
    `what the plan needs to know, the terminal only tells in ${missing.join(' and ')}`,
    '`slotbench flash` goes there and asks by itself; `slotbench plan --survey` does so without flashing.',
  )
}

export function checkLock(facts: TerminalFacts): Findings {
  // In EDL the maker's signature on the loader decides, not the bootloader's lock.
  if (facts.mode === 'edl') return NONE
  if (facts.unlocked === undefined)
    return warn(
      'lock-unknown',
      'the terminal does not say whether its bootloader is locked; a locked one refuses the first write and nothing is lost',
    )
  if (facts.unlocked.value) return NONE
  return block(
    'bootloader-locked',
    'the bootloader is locked and refuses every write',
    'Slotbench shows locks and never circumvents them. Unlock it the maker’s way, or use another recovery path.',
  )
}

export function checkBattery(facts: TerminalFacts, recipe: Recipe): Findings {
  const next = 'Charge the terminal and plan again.'
  if (facts.batteryOk?.value === false)
    return block('battery-low', 'the terminal says that its battery is too low for flashing', next)
  if (facts.batteryPercent !== undefined) {
    const percent = facts.batteryPercent.value
    return percent < recipe.batteryLimit
      ? block('battery-low', `battery at ${percent} %, the limit is ${recipe.batteryLimit} %`, next)
      : NONE
  }
  if (facts.batteryOk !== undefined) return NONE
  return warn('battery-unknown', 'the terminal does not tell its battery level; make sure that it is charged')
}

/** Rollback indices and patch levels never go down (design, rule 8). */
export function checkRollback(facts: TerminalFacts, rom: RomInfo): Findings {
  const found: Findings[] = []
  for (const [location, offered] of Object.entries(rom.rollback ?? {})) {
    const installed = facts.rollback?.value[location]
    if (installed !== undefined && offered < installed) {
      found.push(
        block(
          'rollback-lower',
          `rollback index at location ${location}: the package has ${offered}, the terminal ${installed}`,
          'Use a newer package: a terminal that enforces rollback protection would not boot this one.',
        ),
      )
    }
  }
  if (facts.rollback === undefined)
    found.push(
      warn(
        'rollback-unknown',
        'the terminal does not let its rollback indices be read; the boot proof decides',
      ),
    )
  return mergeFindings([...found, checkPatchLevel(facts, rom)])
}

export function checkPatchLevel(facts: TerminalFacts, rom: RomInfo): Findings {
  const patch = facts.securityPatch?.value
  if (patch === undefined || rom.securityPatch === undefined || rom.securityPatch >= patch) return NONE
  return block(
    'patch-level-lower',
    `security patch level: the package has ${rom.securityPatch}, the terminal ${patch}`,
    'Use a package at least as new as what is installed.',
  )
}

/** `require` lines of android-info.txt against what the terminal says. */
export function checkRequirements(facts: TerminalFacts, rom: RomInfo): Findings {
  return mergeFindings(rom.requirements.map((r) => checkRequirement(r, facts)))
}

function checkRequirement(requirement: Requirement, facts: TerminalFacts): Findings {
  const { variable, anyOf } = requirement
  const product = facts.product?.value
  if (requirement.forProduct !== undefined && requirement.forProduct !== product) return NONE
  // Models are judged once, by checkModel, with all the terminal's names.
  if (variable === 'product' || variable === 'board') return NONE
  if (variable === 'partition-exists') {
    const there = anyOf.some(
      (name) =>
        facts.hasSlot[name] !== undefined ||
        facts.partitions[name] !== undefined ||
        facts.partitions[`${name}_a`] !== undefined,
    )
    return there
      ? NONE
      : notMet(`the package needs the partition ${anyOf.join(' or ')}, which the terminal does not have`)
  }
  const value = facts.variables[variable]
  if (value === undefined || value === '') {
    return warn(
      'requirement-unknown',
      `the package needs ${variable} to be ${requirement.reject ? 'none of ' : ''}${anyOf.join(' or ')}; the terminal does not tell it`,
    )
  }
  const matches = anyOf.some((wanted) => matchesWildcard(wanted, value))
  if (matches !== requirement.reject) return NONE
  return notMet(
    `the package needs ${variable} to be ${requirement.reject ? 'none of ' : ''}${anyOf.join(' or ')}; the terminal says ${value}`,
  )
}

/** A trailing `*` matches any ending, as in AOSP fastboot's android-info.txt. */
function matchesWildcard(wanted: string, value: string): boolean {
  return wanted.endsWith('*') ? value.startsWith(wanted.slice(0, -1)) : wanted === value
}

function notMet(detail: string): Findings {
  return block(
    'requirement-not-met',
    detail,
    'Use the package made for this terminal, or bring its firmware to the version that the package asks for.',
  )
}
