// A support bundle as a window asks for it: shown first, then saved exactly as it was shown.
import { readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fromBuffer } from 'yauzl'
import { EngineBench, TestWindow } from '../../../../test/engine-bench.ts'
import type { BenchState } from '../../../shared/contract.ts'

let bench: EngineBench
let window: TestWindow
beforeEach(() => {
  bench = new EngineBench()
  window = new TestWindow(bench)
})
afterEach(async () => {
  window.client.close()
  await bench.close()
})

const call: TestWindow['client']['call'] = (command, params) => window.client.call(command, params)
const ended = (id: string) => (s: BenchState) =>
  s.jobs.some((job) => job.id === id && job.state !== 'running')

/** The members of an archive, by another program's reader. */
function unzipped(zip: Buffer): Promise<Map<string, string>> {
  const { promise, resolve, reject } = Promise.withResolvers<Map<string, string>>()
  const members = new Map<string, string>()
  fromBuffer(zip, { lazyEntries: true }, (error, archive) => {
    if (error) return reject(error)
    archive.on('entry', (entry) =>
      archive.openReadStream(entry, async (problem, stream) => {
        if (problem) return reject(problem)
        const pieces: Buffer[] = []
        for await (const piece of stream) pieces.push(piece as Buffer)
        members.set(entry.fileName, Buffer.concat(pieces).toString())
        archive.readEntry()
      }),
    )
    archive.on('end', () => resolve(members))
    archive.on('error', reject)
    archive.readEntry()
  })
  return promise
}

it('of a job that failed names neither terminal nor technician nor folder, and is saved as it was shown', async () => {
  await bench.plug({
    ...{ serial: 'NX00017788', port: 2 },
    faults: {
      faults: [
        { kind: 'refuse', at: { startsWith: 'flash:boot_b' }, words: 'NX00017788 356938035643809 failed' },
      ],
    },
  })
  await bench.plug({ serial: 'NX00029999', port: 3 })
  await window.until((s) => s.bays.filter(({ facts }) => facts !== undefined).length === 2)
  await call('settings.set', { operator: 'Zoë Krüger' })
  const { rom } = await call('rom.add', { path: await bench.rom() })
  const choice = { policy: 'seamless', wipe: false } as const
  const { plan } = await call('plan.make', { bay: 'usb:1-2', rom, choice, survey: true })
  const { job } = await call('job.start', { plan: plan.id })
  await window.until(ended(job))

  const made = await call('support.make', { jobs: [job] })
  expect(made.files.map(({ name }) => name)).toEqual([
    'contents.json',
    ...['journal', 'plan', 'facts', 'package'].map((name) => `${job}/${name}.json`),
    ...['log.jsonl', 'versions.json', 'doctor.json'],
  ])
  const saved = await call('support.save', { bundle: made.bundle })
  const zip = Buffer.from(saved.zip, 'base64')
  expect(readFileSync(saved.path)).toEqual(zip)
  const members = await unzipped(zip)
  for (const { name, text, bytes, cut } of made.files) {
    expect(Buffer.byteLength(members.get(name) ?? '')).toBe(bytes)
    expect(cut ? members.get(name)?.slice(0, text.length) : members.get(name)).toBe(text)
  }
  const all = [...members.values()].join('\n')
  const secrets = ['NX00017788', '356938035643809', 'Zoë Krüger', bench.folder, homedir(), hostname()]
  for (const secret of secrets.filter((text) => text.length > 3 && text !== 'localhost'))
    expect(all.toLowerCase()).not.toContain(secret.toLowerCase())
  expect(members.get('log.jsonl')).toMatch(/"serial-1 imei-1 failed|serial-1 imei-1 failed/)
  expect(JSON.parse(members.get(`${job}/journal.json`) ?? '')).toMatchObject({
    ...{ id: job, operator: 'operator-1' },
    problem: { code: expect.any(String), detail: expect.stringContaining('serial-1 imei-1 failed') },
  })
  expect(made.replaced).toContainEqual(
    expect.objectContaining({ pseudonym: 'operator-1', original: 'Zoë Krüger' }),
  )
}, 60_000)

it('that is asked for too late, or for no job, says so', async () => {
  await expect(call('support.save', { bundle: 'none' })).rejects.toMatchObject({ code: 'support-expired' })
  await expect(call('support.make', { jobs: ['none'] })).rejects.toMatchObject({ code: 'job-not-found' })
  await expect(call('support.make', { jobs: [] })).rejects.toMatchObject({ code: 'message-invalid' })
})
