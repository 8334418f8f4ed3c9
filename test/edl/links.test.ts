// Links to terminals in EDL that break, storage that fails or lies, and another terminal where the right one should be.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/shared/error-catalogue.ts'
import type { Plan } from '../../src/shared/plan.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import type { Fault, FaultTrigger, ReplyFault, SectorPlace } from '../../src/simulator/faults.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import { OLD_BUILD } from '../flash-bench.ts'
import {
  backInEdl,
  carriedOut,
  dead,
  type EdlPlace,
  eachStrikes,
  expectBoots,
  IMPATIENT,
  inEdl,
  openEdlPlace,
  ownContent,
  planned,
  strike,
} from './bench.ts'

const PROFILES = ['nx679j', 'nx789j', 'emmc-ab', 'nx769j'] as const
const places = new Map<ProfileId, EdlPlace>()
beforeAll(async () => {
  await Promise.all(PROFILES.map(async (id) => places.set(id, await openEdlPlace(id))))
})
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

function at(id: ProfileId): EdlPlace {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  return place
}

const LIMIT = { timeout: 400_000 }
const BROKEN: readonly ErrorCode[] = [
  ...(['terminal-gone', 'terminal-silent', 'terminal-garbled', 'terminal-not-found', 'usb-failed'] as const),
  ...(['terminal-wrong-mode', 'firehose-refused', 'loader-not-accepted', 'mode-not-reached'] as const),
]

/** Each kind of command of a rescue, somewhere in it. */
const MOMENTS: readonly FaultTrigger[] = [
  { startsWith: 'sahara:hello-response', nth: 1 },
  { startsWith: 'sahara:execute 1' },
  { startsWith: 'sahara:hello-response mode 0' },
  { startsWith: 'sahara:done' },
  { startsWith: 'firehose:configure' },
  { startsWith: 'firehose:getstorageinfo lun 0' },
  { startsWith: 'firehose:read', nth: 4 },
  { startsWith: 'firehose:getsha256digest', nth: 5 },
  { startsWith: 'firehose:program', nth: 3 },
  { startsWith: 'firehose:setbootablestoragedrive' },
  { startsWith: 'firehose:power' },
]
const REPLIES: readonly ReplyFault[] = [
  { kind: 'lost' },
  { kind: 'duplicated' },
  { kind: 'late', ms: 200 },
  { kind: 'late', ms: 4_000 },
  { kind: 'garbage' },
  { kind: 'too-long', bytes: 700 },
]

const KINDS = [
  ['nx679j', REPLIES],
  // Its programmer comes up as another device; what a reply looks like makes no difference to that.
  ['nx789j', REPLIES.filter(({ kind }) => kind === 'lost' || kind === 'garbage')],
] as const

describe.each(KINDS)('%s, at each kind of command', LIMIT, (id, replies) => {
  it.each(replies)('answers wrongly: $kind $ms', async (how) => {
    const strikes = MOMENTS.map((trigger) => ({
      faults: [{ kind: 'reply' as const, at: trigger, how }],
      setUp: { patience: { open: 12_000 } },
    }))
    await eachStrikes(at(id), strikes, BROKEN)
  })

  it('falls silent', async () => {
    const strikes = MOMENTS.map((trigger) => ({
      faults: [{ kind: 'stall' as const, at: trigger }],
      setUp: { patience: { open: 12_000 } },
    }))
    await eachStrikes(at(id), strikes, BROKEN)
  })

  it.each(['before', 'after'] as const)('loses its link %s it', async (when) => {
    const strikes = MOMENTS.map((trigger) => ({
      faults: [{ kind: 'disconnect' as const, at: trigger, when }],
    }))
    await eachStrikes(at(id), strikes, BROKEN)
  })
})

describe('a link that breaks at any byte', LIMIT, () => {
  it.each(['disconnect-in-download', 'disconnect-in-upload'] as const)('%s', async (kind) => {
    const place = at('nx679j')
    let total = 0
    const hooks = {
      onDownloadBytes: (bytes: number) => {
        total = bytes
      },
    }
    await strike(place, { hooks })
    // What comes back is about as much: the backups.
    const samples = Array.from({ length: 16 }, (_, i) => 1 + Math.floor(((i + 0.4) / 16) * (total - 2)))
    const strikes = samples.map((afterBytes) => ({ faults: [{ kind, afterBytes }] as Fault[] }))
    const jobs = await eachStrikes(place, strikes, BROKEN)
    expect(jobs.filter(({ state }) => state === 'interrupted').length).toBeGreaterThan(8)
  })

  it('is gone on with under other addresses, without anybody’s help', async () => {
    const addresses = new Set<number | undefined>()
    const bench = await dead(at('nx679j'), { firehose: IMPATIENT, patience: { attempts: 3 } })
    const plan = await planned(bench)
    bench.terminal.setFaults({
      faults: [2, 5, 9].map((nth): Fault => {
        return { kind: 'disconnect', at: { startsWith: 'firehose:program', nth }, when: 'before' }
      }),
    })
    bench.discovery.onChange(() => addresses.add(bench.discovery.sightings()[0]?.usb?.address))
    await carriedOut(bench, plan)
    expect(addresses.size).toBeGreaterThan(3)
    await expectBoots(bench)
    await bench.close()
  })

  it.each(['nx679j', 'emmc-ab'] as const)(
    'speaks as documents that arrive joined or split (%s)',
    async (id) => {
      for (const how of ['joined', 'split'] as const) {
        const job = await strike(at(id), { faults: [{ kind: 'documents', how }] })
        expect([how, job.state]).toEqual([how, 'done'])
      }
    },
  )
})

/** Where a partition lies. */
function placeOf({ facts }: Plan, name: string): SectorPlace {
  for (const { lun, table } of facts.edl?.luns ?? []) {
    const entry = table?.entries.find((one) => one.name === name)
    if (entry !== undefined) return { lun, sector: entry.firstLba, count: entry.lastLba - entry.firstLba + 1 }
  }
  throw new Error(`no ${name}`)
}

async function planOf(place: EdlPlace): Promise<Plan> {
  const bench = await dead(place)
  const plan = await planned(bench)
  await bench.close()
  return plan
}

describe('storage', LIMIT, () => {
  it.each(['nx679j', 'nx769j'] as const)('that cannot be written is said so: %s', async (id) => {
    const plan = await planOf(at(id))
    const written = plan.steps.flatMap((step) => (step.kind === 'write' ? [step.partition] : []))
    const physical = written.filter((name) => plan.facts.partitions[name]?.logical !== true)
    const strikes = physical.map((name) => ({
      faults: [{ kind: 'write-error' as const, ...placeOf(plan, name) }],
    }))
    const jobs = await eachStrikes(at(id), strikes, ['terminal-refused'])
    expect(jobs.map(({ state }) => state)).not.toContain('done')
    for (const { problem } of jobs) expect(problem?.detail).toMatch(/write failed at sector/)
  })

  it('that keeps what it held is found by verification', async () => {
    const plan = await planOf(at('nx679j'))
    const written = plan.steps.flatMap((step) => (step.kind === 'write' ? [step.partition] : []))
    const strikes = written.map((name) => ({ faults: [{ kind: 'stuck' as const, ...placeOf(plan, name) }] }))
    const jobs = await eachStrikes(at('nx679j'), strikes, ['storage-unreliable'])
    expect(jobs.map(({ state }) => state)).not.toContain('done')
  })

  it('that keeps what it held under a programmer without digests is found by reading back', async () => {
    const place = at('nx679j')
    const { commands } = place.profile.edl?.programmer ?? { commands: [] }
    const loaders = [
      loaderFor(place.profile, { commands: commands.filter((name) => name !== 'getsha256digest') }),
    ]
    const plan = await planOf(place)
    const strikes = ['boot_a', 'boot_b', 'system_a', 'xbl_b'].map((name) => ({
      faults: [{ kind: 'stuck' as const, ...placeOf(plan, name) }],
      setUp: { loaders },
    }))
    const jobs = await eachStrikes(place, strikes, ['storage-unreliable'])
    expect(jobs.map(({ state }) => state)).not.toContain('done')
  })

  it.each(['stuck', 'write-error'] as const)(
    'that is %s in either copy of a table leaves the slot that boots, bootable',
    async (kind) => {
      const place = at('nx679j')
      const { facts } = await planOf(place)
      const copies = (facts.edl?.luns ?? []).flatMap(({ lun, sectors }) =>
        [1, 2, sectors - 5, sectors - 1].map((sector) => ({ lun, sector, count: 1 })),
      )
      const strikes = copies.map((where) => ({
        policy: 'seamless' as const,
        faults: [{ kind, ...where }],
      }))
      const jobs = await eachStrikes(place, strikes, [
        'storage-unreliable',
        'terminal-refused',
        'gpt-invalid',
      ])
      expect(jobs.filter(({ state }) => state !== 'done').length).toBeGreaterThan(8)
    },
  )

  it('that turns a bit over is found by verification', async () => {
    const bytes: number[] = []
    const hooks = {
      onStorageWrite: ({ bytes: count, total }: { readonly bytes: number; readonly total: number }) =>
        void bytes.push(total + Math.floor(count / 2)),
    }
    await strike(at('nx679j'), { hooks })
    const strikes = bytes.map((afterBytes) => ({ faults: [{ kind: 'bit-flip' as const, afterBytes }] }))
    const jobs = await eachStrikes(at('nx679j'), strikes, [
      'storage-unreliable',
      'gpt-invalid',
      'terminal-refused',
    ])
    expect(jobs.filter(({ state }) => state !== 'done').length).toBeGreaterThan(20)
  })
})

describe('another terminal in its place', LIMIT, () => {
  it.each(['nx679j', 'nx789j'] as const)('is never written (%s)', async (id) => {
    const place = at(id)
    const bench = await dead(place, { firehose: IMPATIENT, patience: { attempts: 3 } })
    const stranger = await inEdl(place, { serial: 'STRANGER' })
    const content = [await ownContent(stranger), await stranger.terminal.partitionDigest('boot_b')]
    const heard: string[] = []
    stranger.terminal.on((event) => void (event.kind === 'command' && heard.push(event.command)))
    const { id: job } = bench.engine().create(await planned(bench))
    let programs = 0
    bench.terminal.setFaults({
      hooks: {
        onCommand: (command) => {
          if (!command.startsWith('firehose:program') || ++programs !== 5) return
          stranger.usb.unplug(stranger.terminal)
          bench.usb.swap(bench.terminal, stranger.terminal)
        },
      },
    })
    const ended = await bench.run(job)
    expect([ended.state, ended.problem?.code]).toEqual(['interrupted', 'terminal-stranger'])
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.filter((command) => /firehose:(program|erase|patch|setboot)/.test(command))).toEqual([])
    expect([await ownContent(stranger), await stranger.terminal.partitionDigest('boot_b')]).toEqual(content)
    expect(await stranger.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: OLD_BUILD })
    bench.usb.swap(stranger.terminal, bench.terminal)
    await backInEdl(bench)
    expect((await bench.run(job)).state).toBe('done')
    await expectBoots(bench)
    await Promise.all([bench.close(), stranger.close()])
  })
})

describe('a programmer that comes up as another device', LIMIT, () => {
  it('and does not come is said so, and is gone on with afterwards', async () => {
    const place = at('nx789j')
    const loaders = [loaderFor(place.profile)]
    const bench = await dead(place, { loaders, firehose: IMPATIENT, patience: { attempts: 1, open: 3_000 } })
    const { id } = bench.engine().create(await planned(bench))
    // Long after the bench has given up.
    const right = loaders.splice(0, 1, loaderFor(place.profile, { reenumeratesAfterMs: 8_000 }))
    await backInEdl(bench)
    const job = await bench.run(id)
    expect(job.state).toBe('interrupted')
    expect(['terminal-not-found', 'loader-not-accepted', 'terminal-silent']).toContain(job.problem?.code)
    loaders.splice(0, 1, ...right)
    await backInEdl(bench)
    expect((await bench.run(id)).state).toBe('done')
    await expectBoots(bench)
    await bench.close()
  })
})
