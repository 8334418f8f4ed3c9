// What a terminal tells of each fact that rules hang on, and in which modes it could tell it.
import type { FactName } from '../../../shared/deployment.ts'
import type { Fact, Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { surveyedModes } from '../plan/surveyed.ts'

/** Where each fact can be read, the nearest way first. Every one of them may be silent all the same. */
const READ_IN: Readonly<Record<FactName, readonly Mode[]>> = {
  model: ['system', 'bootloader', 'recovery', 'fastbootd'],
  'hw-revision': ['bootloader', 'system'],
  variant: ['bootloader', 'system'],
  region: ['system', 'recovery', 'bootloader'],
  build: ['system'],
  fingerprint: ['system'],
  'build-date': ['system'],
  'security-patch': ['system', 'bootloader', 'fastbootd'],
  rollback: ['bootloader', 'fastbootd', 'edl'],
  'oem-id': ['edl'],
  'pk-hash': ['edl'],
  'storage-type': ['edl', 'bootloader'],
  'storage-size': ['edl'],
  'slot-layout': ['bootloader', 'system', 'fastbootd'],
  battery: ['system', 'bootloader', 'rescue'],
  serial: ['system', 'bootloader', 'fastbootd', 'recovery'],
}

/** Modes in which the terminal was not asked yet. */
export function whereToRead(name: FactName, facts: TerminalFacts): Mode[] {
  const asked = surveyedModes(facts)
  return READ_IN[name].filter((mode) => !asked.includes(mode))
}

/** Recovery and fastbootd carry the build of their own image, which need not be the installed system's (as in `mergeFacts`). */
function systemsOwn<T>(facts: TerminalFacts, fact: Fact<T> | undefined): Fact<T> | undefined {
  const modes = surveyedModes(facts)
  return modes.includes('system') || modes.includes('charging') ? fact : undefined
}

export const installedBuild = (facts: TerminalFacts) => systemsOwn(facts, facts.build)
export const installedFingerprint = (facts: TerminalFacts) => systemsOwn(facts, facts.fingerprint)

/** Seconds since 1970 (UTC). */
export function installedDate(facts: TerminalFacts): Fact<number> | undefined {
  const text = variable(facts, 'ro.build.date.utc')
  if (text === undefined || !/^\d{1,12}$/.test(text.value)) return undefined
  return systemsOwn(facts, { value: Number(text.value), source: text.source })
}

/** A level that is no date cannot be compared, so it is no fact here. */
export function installedPatch({ securityPatch }: TerminalFacts): Fact<string> | undefined {
  return securityPatch !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(securityPatch.value)
    ? securityPatch
    : undefined
}

export function rollbackAt({ rollback }: TerminalFacts, location: string): Fact<number> | undefined {
  if (rollback === undefined || !Object.hasOwn(rollback.value, location)) return undefined
  const value = rollback.value[location]
  return value === undefined ? undefined : { value, source: rollback.source }
}

/** One variable or property as the terminal said it; an empty one says nothing. */
export function variable({ variables }: TerminalFacts, name: string): Fact<string> | undefined {
  const value = Object.hasOwn(variables, name) ? variables[name]?.trim() : undefined
  return value === undefined || value === '' ? undefined : { value, source: name }
}

/** Four hex digits: the middle of the HWID (zte-domain §1.1). */
export function oemId({ edl }: TerminalFacts): Fact<string> | undefined {
  const match = /^[0-9a-f]{8}([0-9a-f]{4})[0-9a-f]{4}$/i.exec(edl?.hwId?.value ?? '')
  return match && edl?.hwId
    ? { value: (match[1] as string).toLowerCase(), source: edl.hwId.source }
    : undefined
}

export function pkHash({ edl }: TerminalFacts): Fact<string> | undefined {
  return edl?.pkHash && { value: edl.pkHash.value.toLowerCase(), source: edl.pkHash.source }
}

/** `ufs`, `emmc`, `nand`. Qualcomm's bootloaders name the storage last in `variant` (`SM_ UFS`). */
export function storageType(facts: TerminalFacts): Fact<string> | undefined {
  if (facts.edl?.memory !== undefined)
    return { value: facts.edl.memory.value.toLowerCase(), source: facts.edl.memory.source }
  const { variant } = facts
  const word = /(?:^|\s)(ufs|emmc|nand)$/i.exec(variant?.value.trim() ?? '')?.[1]
  return word === undefined || variant === undefined
    ? undefined
    : { value: word.toLowerCase(), source: variant.source }
}

/** Bytes of the whole storage. `exact` is false where only a partition's size is known, which the storage cannot be smaller than. */
export interface StorageSize extends Fact<number> {
  readonly exact: boolean
}

export function storageSize({ edl, partitions }: TerminalFacts): StorageSize | undefined {
  const sectorSize = edl?.sectorSize?.value
  if (edl !== undefined && sectorSize !== undefined && edl.luns.length > 0) {
    const value = edl.luns.reduce((sum, { sectors }) => sum + sectors * sectorSize, 0)
    return { value, source: 'the LUNs in EDL', exact: true }
  }
  let largest: StorageSize | undefined
  for (const [name, { size, logical }] of Object.entries(partitions))
    if (size !== undefined && logical !== true && size > (largest?.value ?? 0))
      largest = { value: size, source: `partition ${name}`, exact: false }
  return largest
}
