// What tests of ROM packages share: a small build, worker threads, and a package opened, read and proven.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRom } from '../src/main/core/rom/open.ts'
import type { Rom, VerifiedRom } from '../src/main/core/rom/types.ts'
import { verifyRom } from '../src/main/core/rom/verify.ts'
import type { Workshop } from '../src/main/core/workshop.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import { openFolder } from '../src/main/io/files/open-folder.ts'
import { createWorkshop } from '../src/main/io/workers/workshop.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import { type Build, makeBuild } from '../src/simulator/make-images.ts'
import { profile } from '../src/simulator/profiles/index.ts'
import { type RomOptions, writeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { NEVER, outcome } from './images.ts'

const KIB = 1024

/** About 5 MiB of images. */
export const PROFILE = profile('nx679j', {
  sizes: {
    ...{ system: 1024 * KIB, vendor: 512 * KIB, product: 256 * KIB, boot: 512 * KIB },
    ...{ vendor_boot: 256 * KIB, modem: 256 * KIB, dtbo: 128 * KIB, xbl: 128 * KIB, abl: 128 * KIB },
  },
})
export const BUILD = 'nubia/NX679J/NX679J:14/UKQ1/20261001:user/release-keys'

export class RomWorkplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'slotbench-packages-'))
  readonly workshop: Workshop = createWorkshop({ width: 2 })
  readonly build: Build
  #count = 0

  private constructor(build: Build) {
    this.build = build
  }

  static async open(): Promise<RomWorkplace> {
    const options = { build: BUILD, rollbackIndex: 3, seed: 7, fill: 0.5, securityPatch: '2026-10-01' }
    return new RomWorkplace(await makeBuild(PROFILE, options))
  }

  /** A path that nothing is at, with what users' paths have in them. */
  path(suffix: string): string {
    this.#count += 1
    return join(this.folder, `ein Paket ${this.#count} – 完整${suffix}`)
  }

  /** Writes the build as a package. @returns its path. */
  async write(options: Omit<RomOptions, 'out' | 'build'>): Promise<string> {
    const out = this.path(options.kind.endsWith('zip') ? '.zip' : '')
    const chunked = { operations: { chunkBytes: 64 * KIB, ...options.operations } }
    await writeRom(PROFILE, this.build, {
      ...{ build: BUILD, securityPatch: '2026-10-01', timestamp: 1_790_000_000, out },
      ...options,
      ...chunked,
    })
    return out
  }

  put(content: Uint8Array, suffix = ''): string {
    const path = this.path(suffix)
    writeFileSync(path, content)
    return path
  }

  open(path: string): Promise<Rom> {
    return openRom(path, { openFile, openFolder, workshop: this.workshop }, NEVER)
  }

  /** Opens a package, reads all of it and compares every digest. */
  async prove(path: string): Promise<VerifiedRom> {
    const rom = await this.open(path)
    try {
      return await verifyRom(rom, { signal: NEVER, workshop: this.workshop })
    } finally {
      await rom.close()
    }
  }

  /** The error that proving the package ends with. */
  async refusal(path: string): Promise<SlotbenchError> {
    const result = await outcome(() => this.prove(path))
    if (result instanceof SlotbenchError) return result
    throw new Error('the package was accepted')
  }

  async close(): Promise<void> {
    await this.workshop.close()
    rmSync(this.folder, { recursive: true })
  }
}
