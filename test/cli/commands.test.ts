// Every command of the command line at its ordinary work, in words and as JSON.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateSchema } from '../../src/shared/certificate.ts'
import { planSchema } from '../../src/shared/plan.ts'
import { romInfoSchema } from '../../src/shared/rom.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { makeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { CliPlace, document, jobId, lines, plain, QUICK, SMALL_SIZES } from './slotbench.ts'

let place: CliPlace
let rom: string

beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom()
})
afterAll(() => place.close())

describe.concurrent('slotbench', () => {
  it('list shows what is attached', async () => {
    const { endpoint } = await place.simulate(...QUICK)
    const data = place.newData()
    const words = await place.run(data, 'list', endpoint)
    expect(words.code).toBe(0)
    expect(plain(words)).toMatch(new RegExp(`^${endpoint} +bootloader`, 'm'))
    const asJson = await place.run(data, 'list', endpoint, '--json')
    expect(asJson.code).toBe(0)
    const { terminals } = document(asJson) as { terminals: unknown[] }
    expect(terminals).toContainEqual(expect.objectContaining({ bay: endpoint, mode: 'bootloader' }))
  })

  it('list says that nothing is there, and names the endpoint that does not answer', async () => {
    const words = await place.run(place.newData(), 'list', 'tcp:127.0.0.1:9')
    expect(words.code).toBe(0)
    expect(plain(words)).toContain('Nothing answers at tcp:127.0.0.1:9:')
    expect(words.stdout).toContain('No terminal is attached.')
    const data = document(await place.run(place.newData(), '--json', 'list', 'tcp:127.0.0.1:9'))
    expect(data).toMatchObject({ terminals: [], silent: ['tcp:127.0.0.1:9'] })
  })

  it('inspect shows a package, and checks it when asked', async () => {
    const data = place.newData()
    const words = await place.run(data, 'inspect', rom)
    expect(words.code).toBe(0)
    expect(plain(words)).toContain(rom)
    expect(words.stdout).toContain('Digests not checked')
    const proven = await place.run(data, 'inspect', rom, '--verify')
    expect(plain(proven)).toContain('Every image matches its digest.')
    const { verified, rom: info } = document(await place.run(data, '--json', 'inspect', '--verify', rom))
    expect(verified).toBe(true)
    const { images, full, models } = romInfoSchema.parse(info)
    expect({ full, models, count: images.length }).toEqual({ full: true, models: ['NX679J'], count: 11 })
    expect(images.every((image) => image.sha256 !== undefined)).toBe(true)
  })

  it('inspect shows what an EDL package holds, once it is said which variant is meant', async () => {
    const path = join(place.folder, 'NX769J EDL – 完整.zip')
    const model = profile('nx769j', { sizes: SMALL_SIZES })
    const build = 'nubia/NX769J/NX769J:14/UKQ1/20261001:user/release-keys'
    await makeRom(model, {
      ...{ out: path, kind: 'edl-zip', build, rollbackIndex: 3, seed: 3 },
      edl: { flavours: ['global', 'china'], slots: ['a'], unsparse: ['super'] },
    })
    const data = place.newData()
    const unsaid = await place.run(data, 'inspect', path)
    expect(unsaid.code).toBe(3)
    expect(plain(unsaid)).toContain('the package holds 2 variants: ufs/global, ufs/china')
    const words = plain(await place.run(data, 'inspect', path, '--flavour', 'china'))
    expect(words).toContain('Flavour         ufs/china (also there: ufs/global)')
    expect(words).toContain('the package holds slot a only')
    expect(words).toContain('userdata up to the end of the disk')
    expect(words).toContain('NX769J (build fingerprint)')
    const json = document(await place.run(data, '--json', 'inspect', path, '--flavour', 'global', '--verify'))
    const info = romInfoSchema.parse(json['rom'])
    expect(json['slots']).toMatchObject({ holds: 'a', both: [] })
    expect(info).toMatchObject({ kind: 'edl-zip', models: ['NX769J'], virtualAb: true })
    expect(info.edl).toMatchObject({ flavour: 'ufs/global', sectorSize: 4096, luns: [0, 1, 2, 3, 4, 5] })
    expect(info.tables?.map(({ lun }) => lun)).toEqual([0, 1, 2, 3, 4, 5])
    expect(info.images.every((image) => image.sha256 !== undefined)).toBe(true)
  })

  it('plan shows what would be done, and does nothing', async () => {
    const { endpoint, process } = await place.simulate(...QUICK)
    const data = place.newData()
    const words = await place.run(data, 'plan', rom, '--terminal', endpoint)
    expect(words.code, plain(words)).toBe(0)
    expect(words.stdout).toContain('Write system_b')
    const { plan } = document(
      await place.run(data, 'plan', rom, '-t', endpoint, '--policy', 'both', '--json'),
    )
    const { blockers, steps, recipe } = planSchema.parse(plan)
    expect(blockers).toEqual([])
    expect(recipe.policy).toBe('both')
    expect(steps.some((step) => step.kind === 'write' && step.slot === 'a')).toBe(true)
    process.kill('SIGINT')
    expect((await process.finished).stdout).not.toMatch(/"command":"(download|flash|erase|set_active)/)
    expect((await place.run(data, 'jobs')).stdout).toBe('No jobs yet.\n')
  })

  it('flash does the main job, and the report tells of it', async () => {
    const { endpoint, process } = await place.simulate(...QUICK, '--serial', 'CLI0001')
    const data = place.newData()
    const flashed = await place.run(data, 'flash', rom, '--terminal', endpoint, '--yes')
    expect(flashed.code, plain(flashed)).toBe(0)
    expect(flashed.stdout).toContain('Done: the terminal was seen booting the new build.')
    expect(flashed.stderr).toMatch(/✓ \[2\/26\] Write system_b/)
    await process.saw(/"verdict":"booted","build":"NX679J-V2.11"/)

    const id = jobId(flashed)
    const jobs = await place.run(data, 'jobs')
    expect(plain(jobs)).toMatch(new RegExp(`^${id} .* done +26/26  CLI0001  NX679J  NX679J-V2.11$`, 'm'))
    const { jobs: all } = document(await place.run(data, 'jobs', '--json'))
    expect(all).toEqual([expect.objectContaining({ id, state: 'done', serial: 'CLI0001', stepsProven: 26 })])

    const report = await place.run(data, 'report', id)
    expect(plain(report)).toMatch(/^Verdict +success$/m)
    const page = await place.run(data, 'report', id, '--page')
    expect(page.stdout).toContain('<!doctype html>')
    expect(page.stdout).toContain('Success: the new build was seen booting')
    const { certificate, files } = document(await place.run(data, 'report', id, '--json'))
    const { verdict, steps } = certificateSchema.parse(certificate)
    expect(verdict).toBe('success')
    expect(steps.every((step) => step.state === 'proven')).toBe(true)
    const { json, page: written } = files as { json: string; page: string }
    expect(existsSync(written)).toBe(true)
    expect(certificateSchema.parse(JSON.parse(readFileSync(json, 'utf8')))).toEqual(certificate)

    const out = join(place.folder, 'Hilfe für.zip')
    const support = await place.run(data, 'support', id, '--out', out)
    expect(plain(support)).toMatch(/^ +CLI0001 → serial-1 \(\d+ times\)$/m)
    expect(readFileSync(out).subarray(0, 2).toString()).toBe('PK')

    const again = await place.run(data, 'resume', id, '--json')
    expect(again.code).toBe(2)
    expect(document(again)).toMatchObject({ error: { code: 'job-not-resumable' } })
  })

  it('flash tells every event as a line of JSON', async () => {
    const { endpoint } = await place.simulate(...QUICK)
    const flashed = await place.run(place.newData(), 'flash', rom, '-t', endpoint, '--yes', '--json')
    expect(flashed.code).toBe(0)
    expect(flashed.stderr).toBe('')
    const [plan, ...events] = lines(flashed)
    const end = events.pop()
    expect(planSchema.parse(plan?.['plan']).steps).toHaveLength(26)
    expect(end).toMatchObject({ state: 'done', report: { page: expect.any(String) } })
    expect(events.filter(({ type }) => type === 'step-proven')).toHaveLength(26)
    expect(events.at(-1)).toMatchObject({ type: 'state', state: 'done' })
  })
})
