// The packages that Slotbench flashes in the guest, made on the host (compressing is slow under emulation), and what
// each partition must hold afterwards: digests of the images as they were made, not as our own readers see them.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { ImageSource } from '../../src/main/core/source.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import type { TerminalProfile } from '../../src/simulator/profiles/types.ts'
import { makeRom, type RomOptions } from '../../src/simulator/rom-factory/make-rom.ts'
import {
  EDL_PROFILE,
  EDL_ROM,
  type Expected,
  expectedPath,
  type Group,
  PROFILE,
  PROFILE_ID,
  RACE,
  ROMS,
  romPath,
} from './setup.ts'

/** Writes the ROMs that the groups need, with their expectations, into `folder`. */
export async function makeRoms(folder: string, groups: readonly Group[]): Promise<void> {
  if (groups.includes('slotbench')) {
    const model = profile(PROFILE_ID, PROFILE)
    for (const [index, kind] of ROMS.entries())
      await makeOne(folder, model, index + 2, { kind, set: { format: 'sparse' } })
  }
  if (groups.includes('edl') || groups.includes(RACE))
    await makeOne(folder, profile(PROFILE_ID, EDL_PROFILE), 2, { kind: EDL_ROM })
}

async function makeOne(
  folder: string,
  model: TerminalProfile,
  version: number,
  options: Pick<RomOptions, 'kind' | 'set'>,
): Promise<void> {
  const { kind } = options
  const made = { build: `NX679J-V${version}`, rollbackIndex: version, seed: version }
  const build = await makeRom(model, { ...made, ...options, out: romPath(folder, kind) })
  const expected: Record<string, Expected> = {}
  for (const [name, { size, image }] of build) expected[name] = { size, sha256: await digest(image) }
  writeFileSync(expectedPath(folder, kind), JSON.stringify(expected))
}

async function digest(image: ImageSource): Promise<string> {
  const hash = createHash('sha256')
  for await (const extent of image.extents({ signal: new AbortController().signal })) {
    if (extent.kind === 'data') hash.update(extent.bytes)
    else hash.update(filled(extent.length, extent.kind === 'fill' ? extent.word : 0))
  }
  return hash.digest('hex')
}

function filled(length: number, word: number): Uint8Array {
  const pattern = Buffer.alloc(4)
  pattern.writeUInt32LE(word)
  return Buffer.alloc(length, pattern)
}
