// What the verdict on the package, and the key of its verified boot, mean for a plan.
import type { Finding } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { Findings } from './checks.ts'

/** A broken package is never written; what is switched off in it is said; who signed it, the technician decides on. */
export function checkTrust(facts: TerminalFacts, rom: RomInfo): Findings {
  const key = checkAvbKey(facts, rom)
  const alarming = (rom.trust?.reasons ?? []).filter(({ result }) => result === 'alarming')
  return {
    blockers: [...brokenPackage(rom), ...key.blockers],
    warnings: [
      ...alarming.map(({ text }): Finding => ({ code: 'trust-alarming', detail: text })),
      ...key.warnings,
    ],
  }
}

function brokenPackage({ trust }: RomInfo): readonly Finding[] {
  if (trust?.verdict !== 'broken') return []
  return trust.reasons
    .filter(({ result }) => result === 'broken')
    .map(({ text }) => ({
      ...{ code: 'package-broken', detail: text },
      next: 'Fetch the package from its maker again; `slotbench inspect --verify` shows every check.',
    }))
}

/** Another key than the installed one's is another maker's build: a locked bootloader refuses to boot it. */
function checkAvbKey({ avbKey, unlocked }: TerminalFacts, rom: RomInfo): Findings {
  const none: Findings = { blockers: [], warnings: [] }
  if (avbKey === undefined || rom.avbKey === undefined || rom.avbKey === avbKey.value) return none
  const detail = `the package's verified boot is signed with another key (${rom.avbKey.slice(0, 16)}…) than what the terminal runs (${avbKey.value.slice(0, 16)}…, ${avbKey.source})`
  if (unlocked?.value === true)
    return {
      ...none,
      warnings: [{ code: 'avb-key-differs', detail: `${detail}; do not lock the bootloader over it` }],
    }
  const next = 'Use a package of the terminal’s own maker, or unlock the bootloader the maker’s way first.'
  return { ...none, blockers: [{ code: 'avb-key-differs', detail, next }] }
}
