// A simulated terminal with build 1 on it, and a ROM of build 2 for it: what `simulate` and `demo` start from.
import { access, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import type { AdbDaemon } from '../../simulator/adb-service.ts'
import { factoryImages, makeBuild, simulatorRootOfTrust } from '../../simulator/make-images.ts'
import { PROFILE_IDS, type ProfileId, profile } from '../../simulator/profiles/index.ts'
import type { ProfileOptions, TerminalProfile } from '../../simulator/profiles/types.ts'
import { makeRom } from '../../simulator/rom-factory/make-rom.ts'
import { SimulatedTerminal } from '../../simulator/terminal.ts'
import { VERSION } from './version.ts'

export interface SimulatedOptions {
  readonly profile: string
  readonly sizes?: ProfileOptions
  readonly serial?: string
  readonly locked: boolean
  /** Milliseconds that a boot takes. */
  readonly bootMs: number
  /** What answers ADB; default nothing does. */
  readonly adb?: AdbDaemon
}

const OLD_BUILD = { build: 'V1.06', rollbackIndex: 1, seed: 1, securityPatch: '2026-05-01' }
const NEW_BUILD = { build: 'V2.11', rollbackIndex: 2, seed: 2, securityPatch: '2026-10-01' }

/** @throws SlotbenchError `usage` for an unknown profile or partition. */
export function profileNamed(name: string, options: ProfileOptions = {}): TerminalProfile {
  const id = PROFILE_IDS.find((known) => known === name)
  if (id === undefined)
    throw new SlotbenchError('usage', `there is no profile ${name}; known: ${PROFILE_IDS.join(', ')}`)
  const model = profile(id satisfies ProfileId, options)
  for (const partition of Object.keys(options.sizes ?? {})) {
    if (!model.partitions.some((known) => known.name === partition))
      throw new SlotbenchError('usage', `${name} has no partition ${partition} (names are without slot)`)
  }
  return model
}

/** Powered off, with the old build in every slot. */
export async function simulatedTerminal(options: SimulatedOptions): Promise<SimulatedTerminal> {
  const model = profileNamed(options.profile, options.sizes)
  const build = await makeBuild(model, { ...OLD_BUILD, build: buildName(model, OLD_BUILD.build) })
  return SimulatedTerminal.create({
    profile: model,
    serial: options.serial,
    unlocked: !options.locked,
    keys: await simulatorRootOfTrust(),
    image: factoryImages(model, build),
    bootMs: options.bootMs,
    ...(options.adb && { adb: options.adb }),
  })
}

/** Writes a full OTA package of the next build. */
export async function writeDemoRom(model: TerminalProfile, out: string): Promise<void> {
  await makeRom(model, { ...NEW_BUILD, build: buildName(model, NEW_BUILD.build), kind: 'ota-zip', out })
}

/** The same package as a file in this folder: made once per version and kept; half a file is never taken for a whole one.
 * @param onMaking called when it has to be made first. @returns its path. */
export async function demoRom(
  model: TerminalProfile,
  folder: string,
  onMaking: () => void = () => {},
): Promise<string> {
  const path = join(folder, `${model.product}-full-ota-${VERSION}.zip`)
  try {
    await access(path)
  } catch {
    onMaking()
    await mkdir(folder, { recursive: true })
    await writeDemoRom(model, `${path}.part`)
    await rename(`${path}.part`, path)
  }
  return path
}

function buildName(model: TerminalProfile, version: string): string {
  return `${model.product}-${version}`
}
