// Which image goes to which partition of this terminal: decided from what the terminal says, never from a model table.
import type { Finding } from '../../../shared/plan.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { sameContent } from '../rom/slot-coverage.ts'
import { isProtected, isUserData } from './protected.ts'
import { knowsSuper } from './surveyed.ts'

/** An image with the place it belongs to; `partition` is a base name for slotted targets. */
export interface Target {
  readonly image: RomImageInfo
  readonly base: string
  readonly slotted: boolean
  /** Inside super: written in fastbootd, and made or resized before. */
  readonly logical: boolean
}

export interface Targets {
  readonly slotted: readonly Target[]
  readonly unslotted: readonly Target[]
  readonly blockers: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** With its slot suffix, no table of partitions could hold a longer one (GPT and liblp: 36 characters). */
const MAX_BASE = 34

/** True when the terminal says that `base` exists once per slot. */
function hasSlots(base: string, facts: TerminalFacts): boolean | undefined {
  const said = facts.hasSlot[base]
  if (said !== undefined) return said
  if (facts.partitions[`${base}_a`] !== undefined || facts.partitions[`${base}_b`] !== undefined) return true
  if (facts.partitions[base] !== undefined) return false
  return undefined
}

/** Sorts the images of a ROM into slotted and unslotted targets of this terminal, and leaves out what must not be written. */
export function assignTargets(rom: RomInfo, facts: TerminalFacts): Targets {
  const slotted: Target[] = []
  const unslotted: Target[] = []
  const blockers: Finding[] = []
  const warnings: Finding[] = []
  for (const image of rom.images) {
    const base = image.name
    const skipped = skippedBecause(image, rom)
    if (skipped !== undefined) {
      warnings.push(...skipped)
      continue
    }
    const logical = placementOn(image, rom, facts) !== 'physical'
    const slots = terminalHasSlots(facts) && (logical ? slotsInSuper(image, facts) : slotsOf(image, facts))
    if (slots === undefined || (slots && base.length > MAX_BASE)) {
      blockers.push(missing(image))
      continue
    }
    ;(slots ? slotted : unslotted).push({ image, base, slotted: slots, logical })
  }
  return { slotted, unslotted, blockers, warnings }
}

function skippedBecause(image: RomImageInfo, rom: RomInfo): readonly Finding[] | undefined {
  const { name, slot } = image
  if (isProtected(name))
    return [
      {
        code: 'protected-skipped',
        detail: `${name} holds this terminal’s own radio or identity data and is never written from a package`,
      },
    ]
  if (isUserData(name))
    return [
      {
        code: 'unslotted-skipped',
        detail: `${name} holds the user’s data or the terminal’s own state and stays as it is`,
      },
    ]
  return slot === 'b' ? skippedForPrimary(image, rom) : undefined
}

/** Both slots get one image. An EDL package that only has the one for slot b means that one; where it has both, they should be the
 * same, and whoever flashes is told when they are not. */
function skippedForPrimary(image: RomImageInfo, rom: RomInfo): readonly Finding[] | undefined {
  const { name } = image
  const primary = rom.images.find((other) => other.name === name && other.slot !== 'b')
  if (rom.edl !== undefined && primary === undefined) return undefined
  const same = rom.edl === undefined ? 'unknown' : sameContent(primary, image)
  if (same === 'identical') return []
  const detail = `${name}: the package’s own image for slot b is not used; both slots get the primary image`
  if (same === 'unknown') return [{ code: 'other-slot-image-skipped', detail }]
  return [
    {
      code: 'slots-differ',
      detail: `${name}: the package has another image for slot b than for slot a; both slots get that of slot a`,
    },
  ]
}

/** The terminal's word first. One that names no partitions at all (Unisoc: `getvar all` is empty, zte-domain §2.4) cannot
 * contradict a package that knows itself to be slotted. */
function slotsOf(image: RomImageInfo, facts: TerminalFacts): boolean | undefined {
  const said = hasSlots(image.name, facts)
  if (said !== undefined) return said
  return isSilent(facts) && image.slotted === 'yes' ? true : undefined
}

/** The terminal tells of no partition of its own table; super's size and what is inside it are not such. */
export function isSilent(facts: TerminalFacts): boolean {
  return Object.entries(facts.partitions).every(([name, { logical }]) => name === 'super' || logical === true)
}

/** Names inside super carry the slot on every terminal with slots (zte-domain §1.3), also where none of that name is there yet and
 * `has-slot` therefore says no. */
function slotsInSuper({ name, slotted }: RomImageInfo, facts: TerminalFacts): boolean {
  return slotted !== 'no' && facts.partitions[name]?.logical !== true
}

/** Two slots or more, by its own count or because it names partitions with slots. */
export function terminalHasSlots(facts: TerminalFacts): boolean {
  if (facts.slotCount !== undefined) return facts.slotCount.value >= 2
  return facts.currentSlot !== undefined || Object.values(facts.hasSlot).some((has) => has)
}

/** Came with Android 11, as dynamic partitions had for every terminal launched with 10: a set with one of them is for a super. */
const SINCE_SUPER: ReadonlySet<string> = new Set(['vendor_boot', 'init_boot', 'system_ext', 'vbmeta_system'])

/** Where the partition of an image is on this terminal; undefined when only fastbootd knows and has not been asked. */
export function placementOn(
  image: RomImageInfo,
  rom: RomInfo,
  facts: TerminalFacts,
): 'physical' | 'logical' | undefined {
  const { name, placement } = image
  const found = [name, `${name}_a`, `${name}_b`]
    .map((n) => facts.partitions[n])
    .filter((p) => p !== undefined)
  const said = found.find((p) => p.logical !== undefined)?.logical
  if (said !== undefined) return said ? 'logical' : 'physical'
  const insideSuper = placement === 'logical' && hasSuper(facts)
  if (knowsSuper(facts)) return insideSuper ? 'logical' : 'physical'
  if (found.length > 0) return insideSuper ? undefined : 'physical'
  if (placement === 'physical') return 'physical'
  if (placement === 'logical' || hasSuper(facts)) return undefined
  // A bootloader that knows of its slots has it in its own table.
  if (facts.hasSlot[name] === true) return 'physical'
  // A payload for a terminal with dynamic partitions lists their groups (update_engine), so one without groups has none.
  if (rom.kind === 'ota-zip' || rom.kind === 'payload') return 'physical'
  return rom.images.some((other) => SINCE_SUPER.has(other.name)) ? undefined : 'physical'
}

export function hasSuper(facts: TerminalFacts): boolean {
  return facts.superPartition !== undefined || facts.partitions['super'] !== undefined
}

/** The blocker for an image whose partition this terminal does not have. */
export function missing(image: RomImageInfo): Finding {
  return {
    code: 'partition-missing',
    detail: `the package has an image for ${image.name}, but the terminal has no such partition`,
    next: 'Use the package made for exactly this model.',
  }
}
