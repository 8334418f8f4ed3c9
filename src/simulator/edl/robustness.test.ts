// What comes from a host is arbitrary: nothing of it brings the terminal in EDL down, and no power cut leaves it beyond rescue.
import { execFileSync } from 'node:child_process'
import { verify, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/tools.ts'
import { writeRom } from '../rom-factory/make-rom.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { BUILD_2, testBuild, testProfile, testTerminal } from '../test-terminal.ts'
import { evaluate } from './expressions.ts'
import { BadImage, imageStatus, readElfHeader, readProgramHeaders } from './loader-file.ts'
import { vendorChain } from './loader-keys.ts'
import { loaderFor } from './make-loader.ts'
import { signP384 } from './repeatable-ecdsa.ts'
import { readPacket } from './sahara-packets.ts'
import { flashFolder, plugIn } from './test-edl-host.ts'
import { decodeTraits } from './traits.ts'
import { parseCommand } from './xml.ts'

const place = mkdtempSync(join(tmpdir(), 'slotbench-edl-'))
afterAll(() => rmSync(place, { recursive: true }))

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 1))
}

const edited = (original: Uint8Array, edits: readonly (readonly [number, number])[]) => {
  const copy = new Uint8Array(original)
  for (const [at, value] of edits) copy[at % copy.length] = value
  return copy
}
const edits = (reach: number) =>
  fc.array(fc.tuple(fc.nat(reach), fc.nat(255)), { minLength: 1, maxLength: 12 })

describe('whatever the bytes are', () => {
  it('a packet, a document and traits are read or not', () => {
    const nop = Buffer.from('<?xml version="1.0"?><data><program a="1" b=\'2\'/></data>')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), edits(nop.length), (bytes, changes) => {
        readPacket(bytes)
        decodeTraits(bytes)
        parseCommand(Buffer.from(bytes).toString('latin1'))
        parseCommand(Buffer.from(edited(nop, changes)).toString('latin1'))
      }),
    )
    expect(parseCommand(nop.toString())?.attributes.get('b')).toBe('2')
  })

  it('a document is read in no time', () => {
    for (const part of ['<', ' a="', '<!--', '<?', '  ', 'a ='])
      expect(parseCommand(`<data><x${part.repeat(2000)}`)).toBeUndefined()
  })

  it('an expression has a value or is none', async () => {
    const context = { diskSectors: 1000, crc32: async () => 7n }
    const word = fc.constantFrom(
      '1',
      '0x1f',
      'NUM_DISK_SECTORS',
      'CRC32(',
      '(',
      ')',
      ',',
      '-',
      '+',
      '*',
      '/',
      '.',
      ' ',
      'x',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
        await evaluate(words.join(''), context).catch((thrown: unknown) =>
          expect(thrown).toBeInstanceOf(RangeError),
        )
      }),
    )
    expect(await evaluate('NUM_DISK_SECTORS-5.', context)).toBe(995n)
    expect(await evaluate('CRC32(NUM_DISK_SECTORS-5.,16384)', context)).toBe(7n)
    expect(await evaluate('2*(3+4)-0x10/4', context)).toBe(10n)
  })

  it.each(['nx679j', 'emmc-ab'] as const)('a changed loader of %s is never run', (id) => {
    const { edl } = testProfile(id)
    if (!edl) throw new Error('no EDL')
    const loader = loaderFor(testProfile(id))
    const load = (bytes: Uint8Array) => {
      const header = readElfHeader(bytes.subarray(0, 64))
      const table = bytes.subarray(header.tableOffset, header.tableOffset + header.tableBytes)
      const segments = readProgramHeaders(header, table)
      const content = segments.map(({ offset, size }) => bytes.subarray(offset, offset + size))
      return imageStatus({ segments, content }, edl.chip)
    }
    expect(load(loader)).toBe(0)
    // Headers, hash header with hashes, and the beginning of the code: all of it is signed.
    const signed = fc.oneof(
      fc.nat(51),
      fc.integer({ min: 0x1000, max: 0x1000 + 190 }),
      fc.integer({ min: 0x4000, max: 0x6000 }),
    )
    fc.assert(
      fc.property(signed, fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = edited(loader, [[at, (loader[at] ?? 0) ^ flip]])
        try {
          expect(load(bytes)).not.toBe(0)
        } catch (thrown) {
          if (!(thrown instanceof BadImage) && !(thrown instanceof RangeError)) throw thrown
        }
      }),
    )
  })

  it('the boot ROM and the programmer answer, or wait for the host to go', { timeout: 60_000 }, async () => {
    const packets = fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), saharaLike()), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(packets, fc.boolean(), async (sent, running) => {
        const terminal = await testTerminal('nx679j')
        const plugged = plugIn(terminal)
        await terminal.powerOn({ keys: 'edl' })
        const host = await plugged.host()
        if (running) await host.load(loaderFor(terminal.profile))
        else await host.packet()
        for (const bytes of sent) {
          await host.send(bytes, 20).catch(() => {})
          await host.receive(4096, 5).catch(() => {})
        }
        plugged.bench.unplug(terminal)
        terminal.cutPower()
        await terminal.powerOn({ keys: 'edl' })
        expect(terminal.state).toBe('rom')
      }),
      { numRuns: 25 },
    )
  })
})

/** Packets with a right length, and a word or ten behind. */
function saharaLike(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.integer({ min: 0, max: 0x15 }), fc.array(fc.nat(0xff), { maxLength: 10 }))
    .map(([command, words]) => new Uint8Array(Uint32Array.of(command, 8 + words.length * 4, ...words).buffer))
}

describe('a power cut', () => {
  /** Flashes as far as it gets. */
  async function flash(terminal: SimulatedTerminal, folder: string): Promise<void> {
    const plugged = plugIn(terminal)
    try {
      await terminal.powerOn({ keys: 'edl' })
      const host = await plugged.host()
      await host.load(loaderFor(terminal.profile))
      await until(() => terminal.state !== 'rom')
      await host.configure()
      await flashFolder(host, folder, 1024 * 1024)
    } catch (thrown) {
      if (terminal.state !== 'off') throw thrown
    } finally {
      plugged.bench.unplug(terminal)
    }
  }

  it('at any command of a flash, or within any of its writes, leaves a terminal that can be flashed', {
    timeout: 120_000,
  }, async () => {
    const folder = join(place, 'package')
    await writeRom(testProfile('nx679j'), await testBuild('nx679j', BUILD_2), {
      ...{ kind: 'edl-folder', out: folder, build: BUILD_2.build, edl: { slots: ['a'] } },
    })
    const commands: string[] = []
    let written = 0
    const whole = await testTerminal('nx679j', {
      faults: {
        hooks: {
          onCommand: (command) => commands.push(command),
          onStorageWrite: ({ bytes, total }) => {
            written = total + bytes
          },
        },
      },
    })
    await flash(whole, folder)
    expect(commands).toEqual(expect.arrayContaining(['sahara:done', 'firehose:power reset']))
    const patches = commands.flatMap((command, i) => (command.startsWith('firehose:patch') ? [i + 1] : []))
    // All kinds of commands, and within the data: patches come last and write a sector each.
    const places = [1, 2, 4, 9, ...patches.filter((_, i) => i % 20 === 0), commands.length]
    const cuts = [
      ...places.map((command) => ({ kind: 'power-cut', at: { command }, when: 'before' }) as const),
      ...places.map((command) => ({ kind: 'power-cut', at: { command }, when: 'after' }) as const),
      ...[0.1, 0.5, 0.9, 0.999].map(
        (part) => ({ kind: 'power-cut-in-write', afterBytes: Math.floor(written * part) }) as const,
      ),
    ]
    for (const cut of cuts) {
      const terminal = await testTerminal('nx679j', { faults: { seed: 5, faults: [cut] } })
      await flash(terminal, folder)
      expect(terminal.state).toBe('off')
      terminal.setFaults({})
      await flash(terminal, folder)
      await until(() => terminal.state === 'system' || terminal.state === 'rom')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted', build: BUILD_2.build })
    }
  })
})

describe('a loader', () => {
  it('is an ELF image to readelf', (test) => {
    const readelf = requireTool('readelf', test)
    for (const [id, words] of [
      ['nx679j', ['ELF64', 'AArch64']],
      ['emmc-ab', ['ELF32', 'ARM']],
    ] as const) {
      const file = join(place, `${id}.elf`)
      writeFileSync(file, loaderFor(testProfile(id)))
      const seen = execFileSync(readelf, ['-h', '-l', file], { encoding: 'utf8' })
      for (const word of [...words, 'Number of program headers:         5', 'NULL', 'LOAD'])
        expect(seen).toContain(word)
    }
  })

  it('is the same file each time, with a signature that OpenSSL accepts', () => {
    expect(Buffer.compare(loaderFor(testProfile('nx679j')), loaderFor(testProfile('nx679j')))).toBe(0)
    const { attestationKey, certificates } = vendorChain('ztemt')
    const { publicKey } = new X509Certificate(certificates[0])
    for (let i = 0; i < 50; i++) {
      const message = Buffer.from(`message ${i}`)
      expect(verify('sha384', message, publicKey, signP384(message, attestationKey))).toBe(true)
    }
  })

  it('carries certificates that OpenSSL chains', (test) => {
    const openssl = requireTool('openssl', test)
    for (const vendor of ['zte', 'ztemt', 'other'] as const) {
      const [attestation, root] = vendorChain(vendor).certificates
      const pem = (der: Uint8Array) =>
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`
      writeFileSync(join(place, 'root.pem'), pem(root))
      writeFileSync(join(place, 'leaf.pem'), pem(attestation))
      const chained = [
        'verify',
        '-no_check_time',
        '-CAfile',
        join(place, 'root.pem'),
        join(place, 'leaf.pem'),
      ]
      expect(execFileSync(openssl, chained, { encoding: 'utf8' })).toContain('OK')
    }
  })
})
