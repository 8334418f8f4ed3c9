// A terminal with a super, surveyed, planned for and written step by step, against the simulated one.
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import type { Plan, Recipe, Step } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { bytes, partitionName } from '../../../shared/units.ts'
import { factoryImages, makeBuild, simulatorRootOfTrust } from '../../../simulator/make-images.ts'
import { type ProfileId, profile } from '../../../simulator/profiles/index.ts'
import { SimulatedTerminal } from '../../../simulator/terminal.ts'
import { SimulatedBench } from '../../../simulator/usb.ts'
import { mergeFacts } from '../../core/plan/merge-facts.ts'
import { modesToSurvey } from '../../core/plan/modes.ts'
import { plan } from '../../core/plan/plan.ts'
import { sha256OfImage } from '../../core/rom/verify.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { createDiscovery } from '../discovery.ts'
import type { BenchDiscovery, FlashSession, RebootTarget } from '../types.ts'
import { openFastbootSession } from './session.ts'

const workshop = createWorkshop({ width: 1 })
const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})
afterAll(() => workshop.close())

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(15_000) })

async function attach(id: ProfileId) {
  const model = profile(id)
  const factory = await makeBuild(model, { build: 'BUILD-1', rollbackIndex: 1, seed: 1 })
  const terminal = await SimulatedTerminal.create({
    profile: model,
    keys: await simulatorRootOfTrust(),
    image: factoryImages(model, factory),
    unlocked: true,
    serial: 'SIM0001',
  })
  const bench = new SimulatedBench()
  bench.plug(terminal, { bus: '001', ports: [2, 1] })
  await terminal.powerOn({ keys: 'bootloader' })
  terminal.holdKeys(undefined)
  const discovery = createDiscovery([watchUsb(async () => bench)])
  cleanups.push(() => discovery.close())
  const update = await makeBuild(model, { build: 'BUILD-2', rollbackIndex: 2, seed: 2 })
  const logical = new Set(model.partitions.filter((p) => p.logical === true).map((p) => p.name))
  const images: RomInfo['images'] = []
  for (const [name, { size, image }] of update) {
    const o = { signal: io().signal, workshop, onBytes: () => {} }
    const sha256 = await sha256OfImage(image, o)
    images.push({ name, slotted: 'yes', placement: logical.has(name) ? 'logical' : 'physical', size, sha256 })
  }
  const rom: RomInfo = {
    ...{
      kind: 'ota-zip',
      path: '/rom.zip',
      packageSize: 0,
      fingerprint: 'f',
      models: ['PQ83A01'],
      full: true,
    },
    ...{ downgrade: false, requirements: [], dynamicGroups: [], images, notes: [] },
  }
  return { terminal, discovery, update, rom }
}

async function openNow(discovery: BenchDiscovery): Promise<FlashSession> {
  return openFastbootSession(await discovery.waitFor((s) => s.protocol === 'fastboot', io()), io())
}

async function into(
  mode: RebootTarget,
  session: FlashSession,
  discovery: BenchDiscovery,
): Promise<FlashSession> {
  await session.reboot(mode, io())
  const next = await openNow(discovery)
  expect(next.facts.mode).toBe(mode)
  return next
}

/** Asks every mode that the plan needs, and stays in the last. */
async function surveyed(discovery: BenchDiscovery, rom: RomInfo) {
  let session = await openNow(discovery)
  const names = rom.images.map(({ name }) => name)
  const first = await session.describe(names, io())
  const more: TerminalFacts[] = []
  for (const mode of modesToSurvey(rom, first)) {
    session = await into(mode as RebootTarget, session, discovery)
    more.push(await session.describe(names, io()))
  }
  return { session, facts: mergeFacts([first, ...more]) }
}

const RECIPE: Recipe = { policy: 'seamless', wipe: false, batteryLimit: 0, proofTimeout: 1 }
const planned = (facts: Plan['facts'], rom: RomInfo, recipe: Partial<Recipe> = {}) =>
  plan({ facts, rom, recipe: { ...RECIPE, ...recipe }, host: { freeBytes: 1e12 }, now: '2026-01-01' })

interface Run {
  readonly discovery: BenchDiscovery
  readonly update: Awaited<ReturnType<typeof attach>>['update']
}

async function carryOut(step: Step, session: FlashSession, run: Run): Promise<FlashSession> {
  switch (step.kind) {
    case 'enter-mode':
      return into(step.mode as RebootTarget, session, run.discovery)
    case 'delete-logical':
      await session.deleteLogical(partitionName(step.partition), io())
      return session
    case 'resize-logical':
      await session.resizeLogical(partitionName(step.partition), bytes(step.bytes), io())
      return session
    case 'snapshot':
      await session.snapshotUpdate(step.action, io())
      return session
    case 'write': {
      const image = run.update.get(step.image.name)?.image
      if (image === undefined) throw new Error(`no image ${step.image.name}`)
      // The buffers that the simulator makes up as it goes must not be taken away.
      const kept: typeof image = {
        ...image,
        async *extents(o) {
          for await (const extent of image.extents(o))
            yield extent.kind === 'data' ? { ...extent, bytes: extent.bytes.slice() } : extent
        },
      }
      const receipt = await session.write(partitionName(step.partition), kept, { ...io(), workshop })
      expect(receipt.sha256).toBe(step.sha256)
      return session
    }
    case 'set-active':
      await session.setActive(step.slot, io())
      return session
    case 'reboot':
      await session.reboot('system', io())
      return session
    default:
      return session
  }
}

describe('a Virtual A/B phone', () => {
  it('takes a whole ROM into the slot that does not run, and boots it', async () => {
    const { terminal, discovery, update, rom } = await attach('nx769j')
    const survey = await surveyed(discovery, rom)
    expect(survey.facts.surveyed).toEqual(['bootloader', 'fastbootd'])
    expect(survey.facts.slots.a?.successful?.value).toBe(true)
    const p = planned(survey.facts, rom)
    expect(p.blockers).toEqual([])
    let { session } = survey
    const running = await Promise.all(
      ['system_a', 'vendor_a', 'boot_a'].map((n) => terminal.partitionDigest(n)),
    )
    for (const step of p.steps) session = await carryOut(step, session, { discovery, update })
    await discovery.waitFor((s) => s.mode === 'system', io())
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted', build: 'BUILD-2' })
    expect(
      await Promise.all(['system_a', 'vendor_a', 'boot_a'].map((n) => terminal.partitionDigest(n))),
    ).toEqual(running)
  })

  it('whose super holds one system is given up to nothing less than the word for it, and boots the new one', async () => {
    const { terminal, discovery, update, rom } = await attach('nx769j-tight')
    const survey = await surveyed(discovery, rom)
    expect(planned(survey.facts, rom).blockers.map(({ code }) => code)).toEqual(['super-space'])
    const p = planned(survey.facts, rom, { giveUpOtherSlot: true })
    expect(p.blockers).toEqual([])
    expect(p.warnings.map(({ code }) => code)).toContain('other-slot-given-up')
    let { session } = survey
    for (const step of p.steps) session = await carryOut(step, session, { discovery, update })
    await discovery.waitFor((s) => s.mode === 'system', io())
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted', build: 'BUILD-2' })
  })
})
