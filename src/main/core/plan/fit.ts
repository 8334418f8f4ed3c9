// Do the images fit the partitions, and is the ROM whole for the slot that will have to boot it?
import type { Finding, Policy } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { type Slot, slotted, splitSlot } from '../../../shared/units.ts'
import type { Findings } from './checks.ts'
import { isBootChain, isProtected, isUserData } from './protected.ts'
import { isSilent, missing, type Target } from './targets.ts'

/** Each target's physical partition exists on the terminal (in every slot to be written) and is large enough. */
export function checkFit(targets: readonly Target[], slots: readonly Slot[], facts: TerminalFacts): Findings {
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  const silent = isSilent(facts)
  for (const target of targets.filter(({ logical }) => !logical)) {
    const names = target.slotted ? slots.map((slot) => slotted(target.base, slot)) : [target.base]
    for (const name of names) {
      const known = facts.partitions[name]
      if (known === undefined && !silent) blockers.push(missing(target.image))
      else if (known?.size === undefined)
        warnings.push({
          code: 'partition-size-unknown',
          detail: `the terminal does not tell the size of ${name}; it will refuse an image that is too large`,
        })
      else if (target.image.size > known.size) {
        blockers.push({
          code: 'image-too-large',
          detail: `the image of ${target.base} has ${target.image.size} bytes, ${name} has room for ${known.size}`,
          next: 'Use the package made for exactly this model and storage size.',
        })
      }
    }
  }
  return { blockers, warnings }
}

/** A slot boots only as a whole: what its vbmeta vouches for must come with it, and nothing may be left over from another build. */
export function checkComplete(
  rom: RomInfo,
  targets: readonly Target[],
  slot: Slot | undefined,
  facts: TerminalFacts,
): Findings {
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  const written = new Set(targets.map((t) => t.base))
  if (targets.length === 0) {
    return {
      blockers: [
        {
          code: 'rom-empty',
          detail: 'the package has no image that may be written to this terminal',
          next: 'Use a full package of this model.',
        },
      ],
      warnings,
    }
  }
  const incomplete = (detail: string) =>
    blockers.push({ code: 'rom-incomplete', detail, next: 'Use the full package of this build.' })
  for (const needed of rom.avbPartitions ?? []) {
    if (!written.has(needed))
      incomplete(`its vbmeta vouches for ${needed}, but there is no image of ${needed} to write`)
  }
  for (const needed of ['boot', 'vbmeta']) {
    if (!written.has(needed) && terminalHas(needed, facts))
      incomplete(`the terminal has ${needed}, but the package has no image of it`)
  }
  if (slot !== undefined) leftovers(written, slot, facts, { incomplete, warnings })
  else if (facts.mode === 'edl') warnings.push(...missingBootChain(written, facts))
  return { blockers, warnings }
}

/** A terminal without slots that came in through EDL may be there because of just these. */
function missingBootChain(written: ReadonlySet<string>, { partitions }: TerminalFacts): Finding[] {
  return Object.keys(partitions)
    .filter((name) => isBootChain(name) && !written.has(name))
    .map((name) => ({
      code: 'slot-leftover' as const,
      detail: `${name} belongs to the boot chain and is not in the package: if it is what keeps the terminal from booting, this package does not help`,
    }))
}

function terminalHas(base: string, facts: TerminalFacts): boolean {
  return (
    facts.partitions[base] !== undefined ||
    facts.partitions[`${base}_a`] !== undefined ||
    facts.hasSlot[base] !== undefined
  )
}

interface Leftovers {
  readonly incomplete: (detail: string) => void
  readonly warnings: Finding[]
}

/** Slotted partitions that the ROM does not bring keep what is in them. That is known to boot only if that slot has booted before;
 * a factory-fresh second slot may be empty (zte-domain §0.6), and a boot chain from nowhere is a brick. */
function leftovers(written: ReadonlySet<string>, slot: Slot, facts: TerminalFacts, out: Leftovers): void {
  const hasBooted = facts.slots[slot]?.successful?.value === true
  for (const name of Object.keys(facts.partitions)) {
    const { base, slot: of } = splitSlot(name)
    if (of !== slot || written.has(base) || isProtected(base) || isUserData(base)) continue
    if (isBootChain(base) && !hasBooted) {
      out.incomplete(
        `${name} belongs to the boot chain, the package has no image of it, and slot ${slot} has never been seen booting`,
      )
    } else {
      out.warnings.push({
        code: 'slot-leftover',
        detail: `${name} is not in the package and keeps what is in it`,
      })
    }
  }
}

/** Which slots a policy writes, given the one that runs. */
export function slotsWritten(policy: Policy, target: Slot | undefined): readonly Slot[] {
  if (target === undefined || policy === 'single' || policy === 'sideload') return []
  return policy === 'both' || policy === 'rescue' ? ['a', 'b'] : [target]
}
