// Whatever bytes a host serves: a package is installed or refused with words, and nothing else happens.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ByteSource } from '../../main/core/source.ts'
import { bytes } from '../../shared/units.ts'
import { adbBehaviour } from '../adb/behaviour.ts'
import type { AdbContext } from '../adb/machine.ts'
import { TestAdbHost } from '../adb/test-host.ts'
import { physicalVolumes } from '../adb/volumes.ts'
import type { AdbMachine } from '../adb-service.ts'
import { makeRom } from '../rom-factory/make-rom.ts'
import { BUILD_2, testProfile, testTerminal } from '../test-terminal.ts'
import { installPackage } from './install.ts'
import { UpdateRefused } from './refused.ts'

let folder: string
let rom: Buffer
let context: AdbContext

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotbench-install-'))
  const out = join(folder, 'rom.zip')
  await makeRom(testProfile('nx679j'), { ...BUILD_2, kind: 'ota-zip', securityPatch: '2026-02-01', out })
  rom = await readFile(out)
  const machine = await new Promise<AdbMachine>((resolve, reject) => {
    const adb = async (given: AdbMachine) => resolve(given)
    testTerminal('nx679j', { adb })
      .then(async (terminal) => {
        await terminal.powerOn()
        TestAdbHost.to(terminal)
      })
      .catch(reject)
  })
  const volumes = physicalVolumes(machine.disk)
  context = { machine, behaviour: adbBehaviour(), trustedKeys: new Set(), volumes, screen: () => {} }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function sourceOf(content: Uint8Array): ByteSource {
  return {
    name: 'package.zip',
    size: bytes(content.length),
    read: async (offset, length) => new Uint8Array(content.subarray(offset, offset + length)),
    close: async () => {},
  }
}

async function outcome(content: Uint8Array): Promise<'installed' | 'refused'> {
  try {
    await installPackage(context, sourceOf(content))
    return 'installed'
  } catch (thrown) {
    if (thrown instanceof UpdateRefused) return 'refused'
    throw thrown
  }
}

it('installs the package as it was made', async () => {
  expect(await outcome(rom)).toBe('installed')
})

it('refuses arbitrary bytes', { timeout: 20_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (content) => {
      expect(await outcome(content)).toBe('refused')
    }),
    { numRuns: 200 },
  )
})

it('refuses a payload with any byte changed', { timeout: 60_000 }, async () => {
  const start = rom.indexOf('CrAU')
  // The manifest and the first data, where a byte decides most; and anywhere.
  const place = fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.nat())
  const directory = rom.lastIndexOf('PK\x01\x02', rom.length - 200)
  await fc.assert(
    fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (where, change) => {
      const at = start + (where % (directory - 1000 - start))
      const damaged = Buffer.from(rom)
      damaged[at] = (damaged[at] ?? 0) ^ change
      expect(await outcome(damaged)).toBe('refused')
    }),
    { numRuns: 40 },
  )
})

it('installs or refuses whatever the rest of the archive says', { timeout: 60_000 }, async () => {
  const payload = rom.indexOf('CrAU')
  const directory = rom.indexOf('PK\x01\x02')
  const place = fc.oneof(fc.nat(payload - 1), fc.integer({ min: directory, max: rom.length - 1 }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const damaged = Buffer.from(rom)
        for (const [at, value] of changes) damaged[at] = value
        expect(['installed', 'refused']).toContain(await outcome(damaged))
      },
    ),
    { numRuns: 60 },
  )
})
