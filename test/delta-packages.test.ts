// Delta packages from end to end: made by the simulator, applied by the command line, stopped and gone on with, and flashed.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describePayload } from '../src/main/core/formats/payload.ts'
import { openDelta } from '../src/main/core/formats/payload-delta.ts'
import { memoryImage } from '../src/main/core/formats/raw-image.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import type { RomInfo } from '../src/shared/rom.ts'
import { type Build, makeBuild } from '../src/simulator/make-images.ts'
import { profile } from '../src/simulator/profiles/index.ts'
import { programCompressor } from '../src/simulator/rom-factory/compressors.ts'
import { type RomOptions, writeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { CliPlace, document, lines, plain, QUICK, SMALL_SIZES } from './cli/slotbench.ts'
import { expand } from './images.ts'
import { requireTool } from './tools.ts'

const MODEL = profile('nx679j', { sizes: SMALL_SIZES })
const [OLD, MIDDLE, NEW] = ['NX679J-V8', 'NX679J-V8.5', 'NX679J-V9'] as const

let place: CliPlace
let builds: { readonly old: Build; readonly middle: Build; readonly next: Build }
let base: string

/** The build as it may have been before: some bytes of every large image differ, and one image has nothing in common. */
async function earlier(build: Build, seed: number): Promise<Build> {
  const other = await makeBuild(MODEL, { build: OLD, rollbackIndex: 1, seed })
  const images = new Map<string, { readonly size: number; readonly image: ReturnType<typeof memoryImage> }>()
  for (const [name, { size, image }] of build) {
    const source = name === 'modem' ? (other.get(name)?.image ?? image) : image
    const content = await expand(source)
    if (content.length > 200_000) for (let at = 5000; at < 150_000; at += 1009 + seed) content[at] = at % 251
    images.set(name, { size, image: memoryImage(content) })
  }
  return images
}

function write(
  build: Build,
  options: Omit<RomOptions, 'kind' | 'build'> & Partial<RomOptions>,
): Promise<void> {
  const operations = { chunkBytes: 64 * 1024, ...options.operations }
  return writeRom(MODEL, build, {
    kind: 'ota-zip',
    build: NEW,
    securityPatch: '2026-10-01',
    ...options,
    operations,
  })
}

beforeAll(async () => {
  place = new CliPlace()
  const next = await makeBuild(MODEL, { build: NEW, rollbackIndex: 3, seed: 9, securityPatch: '2026-10-01' })
  builds = { next, middle: await earlier(next, 1), old: await earlier(next, 2) }
  base = join(place.folder, 'base.zip')
  await write(builds.old, { out: base, build: OLD })
})
afterAll(() => place.close())

async function kindsIn(path: string): Promise<Set<string>> {
  const source = await openFile(path)
  try {
    const delta = await openDelta(source)
    return new Set(delta.partitions.flatMap(({ operations }) => operations.map(({ kind }) => kind)))
  } finally {
    await source.close()
  }
}

describe('apply-delta', () => {
  it('makes a package of an OTA delta that a terminal boots from', async () => {
    const delta = join(place.folder, 'delta.zip')
    await write(builds.next, {
      out: delta,
      from: { build: OLD, images: builds.old },
      operations: { patches: 'brotli' },
    })
    const out = join(place.folder, 'neu – 完整')
    const data = place.newData()
    const applied = await place.run(data, 'apply-delta', delta, '--base', base, '--out', out)
    expect(applied.code, plain(applied)).toBe(0)
    expect(applied.stdout).toMatch(/partitions made and proven/)
    const { rom } = document(await place.run(data, 'inspect', out, '--verify', '--json')) as { rom: RomInfo }
    expect(rom).toMatchObject({
      kind: 'payload',
      full: true,
      models: [MODEL.product],
      build: NEW,
      securityPatch: '2026-10-01',
    })
    expect(rom.preBuild).toBeUndefined()

    const { endpoint, process } = await place.simulate(...QUICK)
    const flash = await place.run(data, 'flash', out, '-t', endpoint, '--yes')
    expect(flash.code, plain(flash)).toBe(0)
    await process.saw(/"slot":"b","verdict":"booted","build":"NX679J-V9"/)
  })

  it('takes a payload alone with bzip2 patches, and what it made as the next base', async (test) => {
    const bzip2 = programCompressor(requireTool('bzip2', test), ['-c'])
    const operations = { patches: 'bzip2', compressors: { bzip2 } } as const
    const [first, second] = ['first', 'second'].map((name) => join(place.folder, `${name}.bin`)) as [
      string,
      string,
    ]
    const from = { build: OLD, images: builds.old }
    await write(builds.middle, { kind: 'payload', build: MIDDLE, out: first, from, operations })
    await write(builds.next, {
      kind: 'payload',
      out: second,
      from: { build: MIDDLE, images: builds.middle },
      operations,
    })
    expect(await kindsIn(first)).toEqual(new Set(['copy', 'patch', 'zero', 'bzip2', 'replace']))
    const [middle, next] = ['middle', 'next'].map((name) => join(place.folder, name)) as [string, string]
    const data = place.newData()
    const one = await place.run(data, 'apply-delta', first, '--base', base, '--out', middle, '--json')
    expect(one.code, one.stdout).toBe(0)
    const two = await place.run(data, 'apply-delta', second, '--base', middle, '--out', next, '--json')
    expect(two.code, two.stdout).toBe(0)
    const done = lines(two).at(-1) as { partitions: { name: string; sha256: string }[]; rom: RomInfo }
    expect(done.rom.models).toEqual([MODEL.product])
    const whole = join(place.folder, 'full.bin')
    await write(builds.next, { kind: 'payload', out: whole })
    const source = await openFile(whole)
    const { partitions } = await describePayload(source)
    await source.close()
    expect(new Map(done.partitions.map(({ name, sha256 }) => [name, sha256]))).toEqual(
      new Map(partitions.map(({ name, sha256 }) => [name, sha256])),
    )
    const skipped = await place.run(
      data,
      'apply-delta',
      second,
      '--base',
      base,
      '--out',
      join(place.folder, 'no'),
      '--json',
    )
    expect(skipped.code).toBe(3)
    expect(document(skipped)).toMatchObject({ error: { code: 'delta-wrong-base' } })
  })

  it('stopped with Ctrl-C or killed goes on with the same command', async () => {
    // Large enough to be caught in the middle of it.
    const sizes = { ...SMALL_SIZES, boot: 48 * 1024 * 1024 }
    const model = profile('nx679j', { sizes })
    const [out, full, delta] = ['made', 'large.zip', 'large delta.zip'].map((name) =>
      join(place.folder, name),
    ) as [string, string, string]
    const old = await makeBuild(model, { build: OLD, rollbackIndex: 1, seed: 1 })
    const next = await makeBuild(model, {
      ...{ build: NEW, rollbackIndex: 2, seed: 2 },
      unchanged: { since: { build: OLD, seed: 1 }, partitions: ['boot'] },
    })
    await writeRom(model, old, { kind: 'ota-zip', build: OLD, out: full })
    await writeRom(model, next, {
      kind: 'ota-zip',
      build: NEW,
      out: delta,
      from: { build: OLD, images: old },
    })
    const data = place.newData()
    const command = ['apply-delta', delta, '--base', full, '--out', out] as const
    for (const [signal, code] of [
      ['SIGKILL', null],
      ['SIGINT', 130],
    ] as const) {
      const running = place.start(data, ...command, '--json')
      await running.saw(/"item":"boot"/)
      running.kill(signal)
      expect((await running.finished).code).toBe(code)
      expect(readdirSync(out)).not.toContain('payload.bin')
    }
    const resumed = await place.run(data, ...command, '--json')
    expect(resumed.code, resumed.stdout).toBe(0)
    const done = lines(resumed).at(-1) as { resumed: string[]; partitions: unknown[] }
    expect(done.resumed.length).toBeGreaterThan(0)
    expect(done.resumed.length).toBeLessThan(done.partitions.length)
    const proven = await place.run(data, 'inspect', out, '--verify')
    expect(proven.code, plain(proven)).toBe(0)
    expect(readFileSync(join(out, 'metadata'), 'utf8')).not.toContain('pre-build')
  })

  it('leaves a folder alone that holds something else', async () => {
    const delta = join(place.folder, 'other delta.zip')
    await write(builds.next, { out: delta, from: { build: OLD, images: builds.old } })
    const out = join(place.folder, 'occupied')
    mkdirSync(out)
    const full = await place.run(place.newData(), 'apply-delta', base, '--base', base, '--out', out)
    expect(full.code, plain(full)).toBe(2)
    expect(full.stderr).toContain('there is nothing to apply it to')
    const isDelta = await place.run(place.newData(), 'apply-delta', delta, '--base', delta, '--out', out)
    expect(isDelta.code, plain(isDelta)).toBe(3)
    expect(isDelta.stderr).toContain('the base is itself a delta')
    expect(readdirSync(out)).toEqual([])
  })
})
