// What the command line refuses: one error with its code, what it means and what to do, and the exit code of its kind.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CATALOGUE, type ErrorCode } from '../../src/shared/error-catalogue.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { bitFlipped, type Damage, truncated } from '../../src/simulator/rom-factory/damage.ts'
import { makeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { PAYLOAD_DAMAGES } from '../../src/simulator/rom-factory/payload-damage.ts'
import { CliPlace, document, lines, plain, QUICK, type Simulation, SMALL_SIZES } from './slotbench.ts'

let place: CliPlace
let rom: string
let payload: Uint8Array
let terminal: Simulation

beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom()
  const out = join(place.folder, 'payload.bin')
  const operations = { compress: ['zstd'] } as const
  const build = { build: 'B', rollbackIndex: 2, seed: 5 }
  await makeRom(profile('nx679j', { sizes: SMALL_SIZES }), { ...build, kind: 'payload', operations, out })
  payload = readFileSync(out)
  terminal = await place.simulate(...QUICK)
})
afterAll(() => place.close())

/** In words and as JSON: the code, its meaning, what to do next, and the exit code of the catalogue. */
async function expectRefused(codes: ErrorCode | readonly ErrorCode[], ...args: string[]): Promise<void> {
  const data = place.newData()
  const [words, json] = await Promise.all([place.run(data, ...args), place.run(data, ...args, '--json')])
  const { error } = lines(json).at(-1) as { error: { code: ErrorCode; message: string; next: string } }
  expect([codes].flat(), error.message).toContain(error.code)
  const { exit, meaning, next } = CATALOGUE[error.code]
  expect([words.code, json.code], plain(words)).toEqual([exit, exit])
  expect(error.next).toBe(next)
  expect(plain(words)).toContain(`[${error.code}]`)
  expect(words.stderr).toContain(meaning)
  expect(words.stderr).toContain(`What to do: ${next}`)
  expect(json.stderr).toBe('')
}

function put(name: string, content: Uint8Array | string): string {
  const path = join(place.folder, name)
  writeFileSync(path, content)
  return path
}

describe.concurrent('exit 2, the command line was not understood', () => {
  it.each([
    ['an unknown command', ['flush', 'rom.zip']],
    ['a missing argument', ['inspect']],
    ['an unknown policy', ['plan', 'rom.zip', '--policy', 'reckless']],
    ['a limit that is no number', ['plan', 'rom.zip', '--battery-limit', 'full']],
    ['a size that is none', ['simulate', '--size', 'system=big']],
  ])('%s', async (_what, args) => {
    const data = place.newData()
    const words = await place.run(data, ...args)
    expect(words.code).toBe(2)
    expect(words.stderr).toMatch(/^error: /m)
    const json = await place.run(data, '--json', ...args)
    expect(json.code).toBe(2)
    expect(document(json)).toMatchObject({ error: { code: 'usage' } })
  })

  it('no command at all', async () => {
    const { code, stderr } = await place.run(place.newData())
    expect(code).toBe(2)
    expect(stderr).toContain('Usage: slotbench')
  })

  it('help and version are no mistakes', async () => {
    expect(await place.run(place.newData(), '--help')).toMatchObject({ code: 0, stderr: '' })
    expect((await place.run(place.newData(), '--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('nobody is there to say yes', async () => {
    await expectRefused('usage', 'flash', rom, '--terminal', terminal.endpoint)
  })

  it('an unknown profile or partition', async () => {
    await expectRefused('usage', 'simulate', '--profile', 'zx81')
    await expectRefused('usage', 'simulate', '--size', 'sytem=8MB')
  })

  it('an unknown job', async () => {
    await expectRefused('job-not-found', 'resume', 'nosuch')
    await expectRefused('job-not-found', 'report', 'nosuch')
    await expectRefused('job-not-found', 'support', 'nosuch')
  })
})

describe.concurrent('exit 3, the package', () => {
  const truncatedZip: Damage = (zip) => truncated(Math.floor(zip.length * 0.6))(zip)

  it('is not there', () =>
    expectRefused('package-not-found', 'inspect', join(place.folder, 'nothing here.zip')))
  it('is nothing that is known', () =>
    expectRefused('package-unknown', 'inspect', put('notes.txt', 'no ROM')))
  it('is empty', () =>
    expectRefused(['package-unknown', 'source-truncated'], 'inspect', put('empty.zip', '')))
  it('is cut short', () =>
    expectRefused(
      ['zip-invalid', 'source-truncated'],
      'inspect',
      put('cut short.zip', truncatedZip(readFileSync(rom))),
    ))
  it('has a payload that is cut short', () =>
    expectRefused(
      'source-truncated',
      ...['inspect', put('cut.bin', PAYLOAD_DAMAGES['truncated in the data'](payload)), '--verify'],
    ))
  it('is a delta', () =>
    expectRefused(
      'payload-delta',
      'inspect',
      put('delta.bin', PAYLOAD_DAMAGES['minor version of a delta'](payload)),
    ))
  it('has a bit turned over', () =>
    expectRefused(
      ['digest-mismatch', 'decode-failed'],
      ...[
        'inspect',
        '--verify',
        put('flip.bin', PAYLOAD_DAMAGES['bit in the data of an operation'](payload)),
      ],
    ))
  it('has a bit turned over, and is flashed all the same', async () => {
    const damaged = put('flip.zip', bitFlipped(Math.floor(readFileSync(rom).length / 2))(readFileSync(rom)))
    const before = await place.simulate(...QUICK)
    await expectRefused(
      ['digest-mismatch', 'decode-failed', 'payload-invalid', 'zip-invalid'],
      ...['flash', damaged, '-t', before.endpoint, '--yes'],
    )
    before.process.kill('SIGINT')
    expect((await before.process.finished).stdout).not.toMatch(/"command":"(download|flash|set_active)/)
  })
})

describe.concurrent('exit 4, blockers', () => {
  it('wrong model', async () => {
    const other = await place.simulate('--profile', 'unisoc-ab')
    const data = place.newData()
    const planned = await place.run(data, 'plan', rom, '-t', other.endpoint)
    expect(planned.code, plain(planned)).toBe(4)
    expect(planned.stdout).toMatch(/^✗ .*P606F02/m)
    await expectRefused('plan-blocked', 'flash', rom, '-t', other.endpoint, '--yes')
    other.process.kill('SIGINT')
    expect((await other.process.finished).stdout).not.toMatch(/"command":"(download|flash|set_active)/)
  })

  it('locked bootloader', async () => {
    const locked = await place.simulate(...QUICK, '--locked')
    await expectRefused('plan-blocked', 'flash', rom, '-t', locked.endpoint, '--yes')
    const { plan } = document(await place.run(place.newData(), 'plan', rom, '-t', locked.endpoint, '--json'))
    expect(plan).toMatchObject({ blockers: [expect.objectContaining({ code: 'bootloader-locked' })] })
  })

  it('the wrong policy for the terminal', async () => {
    await expectRefused(
      'plan-blocked',
      ...['flash', rom, '-t', terminal.endpoint, '--policy', 'single', '--yes'],
    )
  })
})

describe.concurrent('exit 5, the terminal', () => {
  it('is not there', async () => {
    await expectRefused('terminal-not-found', 'flash', rom, '-t', 'tcp:127.0.0.1:9', '--yes')
  })

  it('is not named, and there is no default', async () => {
    const { code, stderr } = await place.run(place.newData(), 'flash', rom, '--yes')
    expect(stderr).toMatch(/\[terminal-(not-found|ambiguous)\]/)
    expect([2, 5]).toContain(code)
  })
})
