// How a job can end on the command line other than well: stopped, killed, not seen booting, fallen back. And what resumes it.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryImage } from '../../src/main/core/formats/raw-image.ts'
import { parseVbmeta } from '../../src/main/core/formats/vbmeta.ts'
import { buildVbmeta } from '../../src/main/core/formats/vbmeta-writer.ts'
import type { ImageSource } from '../../src/main/core/source.ts'
import { simulatorSystemKey } from '../../src/simulator/keys/test-keys.ts'
import { makeBuild } from '../../src/simulator/make-images.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { expand } from '../images.ts'
import { CliPlace, document, jobId, lines, plain, QUICK, SMALL_SIZES } from './slotbench.ts'

let place: CliPlace
let rom: string

beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom()
})
afterAll(() => place.close())

/** Slow enough to be caught in the middle. */
const SLOW = [...QUICK, '--link-speed', '400KB']
const IN_DOWNLOAD = /"type":"progress"/

describe.concurrent('a job', () => {
  it('that is stopped with Ctrl-C in mid-download can be resumed: exit 130, then 0', async () => {
    const { endpoint } = await place.simulate(...SLOW)
    const data = place.newData()
    const flash = place.start(data, 'flash', rom, '-t', endpoint, '--yes')
    await flash.saw(/Write system_b {2}\d+ %|✓ \[3\/26\]/)
    flash.kill('SIGINT')
    const stopped = await flash.finished
    expect(stopped.code, plain(stopped)).toBe(130)
    const id = jobId(stopped)
    expect(stopped.stderr).toContain('Stopping; the job can be resumed.')
    expect(stopped.stdout).toContain(`Go on with: slotbench resume ${id}`)
    expect(plain(await place.run(data, 'report', id))).toMatch(/^Verdict +interrupted$/m)

    const resumed = await place.run(data, 'resume', id)
    expect(resumed.code, plain(resumed)).toBe(0)
    expect(resumed.stdout).toContain('Done: the terminal was seen booting the new build.')
    expect(resumed.stderr).not.toContain('✓ [1/26]')
  })

  it('that is killed in mid-write can be resumed', async () => {
    const { endpoint } = await place.simulate(...SLOW)
    const data = place.newData()
    const flash = place.start(data, 'flash', rom, '-t', endpoint, '--yes', '--json')
    await flash.saw(/"type":"step-proven","job":"[^"]+","step":"03/)
    await flash.saw(IN_DOWNLOAD)
    flash.kill('SIGKILL')
    const killed = await flash.finished
    expect(killed.code).toBe(null)
    const id = jobId(killed)
    const { jobs } = document(await place.run(data, 'jobs', '--json'))
    expect(jobs).toEqual([expect.objectContaining({ id, state: 'running' })])

    const resumed = await place.run(data, 'resume', id, '--json')
    expect(resumed.code, resumed.stdout).toBe(0)
    const events = lines(resumed)
    expect(events.at(-1)).toMatchObject({ job: id, state: 'done' })
    const begun = events.filter(({ type }) => type === 'step-started').map(({ step }) => String(step))
    expect(begun.some((step) => /^0[123]-/.test(step))).toBe(false)
  })

  it('belongs to one process at a time, and so does a terminal', async () => {
    const { endpoint } = await place.simulate(...SLOW)
    const data = place.newData()
    const first = place.start(data, 'flash', rom, '-t', endpoint, '--yes', '--json')
    await first.saw(IN_DOWNLOAD)
    const [, id = ''] = await first.saw(/"job":"([^"]+)"/)
    const [flash, resume] = await Promise.all([
      place.run(data, 'flash', rom, '-t', endpoint, '--yes'),
      place.run(data, 'resume', id),
    ])
    for (const second of [flash, resume]) {
      expect(second.code, plain(second)).toBe(8)
      expect(second.stderr).toContain('[job-busy]')
    }
    expect((await first.finished).code).toBe(0)
    expect(
      plain(await place.run(data, 'jobs'))
        .trim()
        .split('\n'),
    ).toHaveLength(1)
  })

  it('whose terminal is not seen again is written, not done: exit 6', async () => {
    const { endpoint } = await place.simulate(...QUICK, '--after-boot', 'system')
    const data = place.newData()
    const flash = await place.run(data, 'flash', rom, '-t', endpoint, '--yes', '--proof-timeout', '2')
    expect(flash.code, plain(flash)).toBe(6)
    expect(flash.stdout).toContain('Written and verified, boot not proven.')
    expect(flash.stdout).toContain('[boot-not-proven]')
    expect((await place.run(data, 'report', jobId(flash))).stdout).toMatch(
      /^Verdict +written, boot not proven$/m,
    )
  })

  it('whose new slot does not boot falls back: exit 7', async () => {
    const folder = join(place.folder, 'image set')
    const model = profile('nx679j', { sizes: SMALL_SIZES })
    const build = new Map(await makeBuild(model, { build: 'NX679J-V9', rollbackIndex: 3, seed: 9 }))
    const image = await withUnknownHash(build.get('vbmeta_system')?.image)
    build.set('vbmeta_system', { size: image.size, image })
    await writeRom(model, build, { kind: 'fastboot-folder', out: folder, build: 'NX679J-V9' })
    const { endpoint, process } = await place.simulate(...QUICK)
    const data = place.newData()
    const flash = await place.run(data, 'flash', folder, '-t', endpoint, '--yes', '--proof-timeout', '60')
    expect(flash.code, plain(flash)).toBe(7)
    expect(flash.stdout).toContain('The new slot did not boot; the old slot is active again.')
    await process.saw(/"slot":"b","verdict":"kernel-crashed"/)
    await process.saw(/"slot":"a","verdict":"booted","build":"NX679J-V1.06"/)
    const resumed = await place.run(data, 'resume', jobId(flash))
    expect(resumed.code).toBe(2)
    expect(resumed.stderr).toContain('[job-not-resumable]')
  })
})

/** A maker's hash trees by a hash that neither Slotbench nor the terminal's kernel knows: nothing in the package is wrong. */
async function withUnknownHash(vbmeta: ImageSource | undefined): Promise<ImageSource> {
  if (vbmeta === undefined) throw new Error('the build has no vbmeta_system')
  const bytes = await expand(vbmeta)
  const { rollbackIndex, flags, descriptors } = parseVbmeta(bytes)
  const changed = descriptors.map((one) =>
    one.kind === 'hashtree' ? { ...one, algorithm: 'blake2b-256' } : one,
  )
  const signed = { algorithm: 'sha256-rsa2048', privateKey: simulatorSystemKey() } as const
  bytes.fill(0)
  bytes.set(buildVbmeta({ ...signed, rollbackIndex, flags, descriptors: changed }))
  return memoryImage(bytes)
}
