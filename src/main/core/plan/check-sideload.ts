// What must hold before a package is given to the terminal's own recovery, which checks the signature and the build itself.
import type { Finding, Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { Findings } from './checks.ts'

export function checkSideload(facts: TerminalFacts, rom: RomInfo, recipe: Recipe): Findings {
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  if (rom.kind !== 'ota-zip')
    blockers.push({
      code: 'not-sideloadable',
      detail: `a recovery installs signed OTA zips only, and this is a package of kind ${rom.kind}`,
      next: 'Use the OTA zip of this build, or another policy.',
    })
  if (recipe.wipe)
    blockers.push({
      code: 'not-sideloadable',
      detail: 'user data cannot be erased by giving a package to the recovery',
      next: 'Leave --wipe out, and choose “Wipe data/factory reset” in the recovery’s menu if it has to be.',
    })
  if (rom.downgrade)
    warnings.push({
      code: 'wipe',
      detail:
        'the package goes back to an older build; its makers let the recovery erase all user data with it',
    })
  const base = checkBase(facts, rom)
  return { blockers: [...blockers, ...base.blockers], warnings: [...warnings, ...base.warnings] }
}

/** A delta can only be applied to the very build that it was made from. */
function checkBase(facts: TerminalFacts, rom: RomInfo): Findings {
  const bases = rom.preBuild ?? []
  if (rom.delta !== true && bases.length === 0) return { blockers: [], warnings: [] }
  const installed = facts.fingerprint?.value
  if (bases.length === 0 || installed === undefined) {
    const unknown =
      bases.length === 0 ? 'the package does not say which' : 'the terminal does not tell its own'
    return {
      blockers: [],
      warnings: [
        {
          code: 'delta-base',
          detail: `this is a delta, which only one build of the terminal takes, and ${unknown}; the recovery refuses any other`,
        },
      ],
    }
  }
  if (bases.includes(installed)) return { blockers: [], warnings: [] }
  return {
    blockers: [
      {
        code: 'delta-base',
        detail: `this is a delta for ${bases.join(' or ')}; the terminal has ${installed}`,
        next: 'Use the full package, or the delta made for the build that is installed.',
      },
    ],
    warnings: [],
  }
}
