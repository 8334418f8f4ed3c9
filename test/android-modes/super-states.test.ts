// What super may be in when a terminal comes in: unfinished updates, left-overs, no room, tables that are not what is said.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Plan } from '../../src/shared/plan.ts'
import type { Build } from '../../src/simulator/make-images.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { expectEnd, ModeBench, openPlace, outcome, type Start } from './bench.ts'
import {
  addPartition,
  beginMerge,
  fillSuper,
  ownUpdate,
  partitionsInSuper,
  sayStaged,
  stage,
  stageAndSwitch,
} from './unfinished-update.ts'

const MIB = 1024 * 1024

let roomy: Workplace
let tight: Workplace
let single: Workplace
let update: Build
beforeAll(async () => {
  // Large enough for the tables of super not to matter, nor to how many bytes it aligns.
  const logical = { system: 4 * MIB, vendor: 2 * MIB, product: MIB, userdata: 16 * MIB }
  const places = [openPlace('nx769j'), openPlace('nx769j-tight', logical), openPlace('a-only')] as const
  ;[roomy, tight, single] = await Promise.all(places)
  update = await ownUpdate(roomy)
})
afterAll(() => Promise.all([roomy, tight, single].map((place) => place.close())))

const codes = (findings: Plan['blockers']) => findings.map(({ code }) => code)
const NEVER_BY_ITSELF = { mergePauseMs: Number.POSITIVE_INFINITY }

describe.concurrent('an update of the terminal’s own that is being merged', () => {
  const merging = (start: Start = {}) =>
    ModeBench.open(roomy, {
      ...NEVER_BY_ITSELF,
      prepare: (terminal) => beginMerge(terminal, update),
      ...start,
    })

  it('is finished first, and that is what is waited for', async () => {
    const bench = await merging()
    const plan = await bench.planned()
    expect(plan.fromSlot).toBe('b')
    expect(codes(plan.warnings)).toContain('snapshot-merging')
    const job = await bench.resumes()
    expect(bench.waitings.map(({ reason }) => reason)).toContain('merge')
    expect(job.steps.map(({ id }) => id).join(' ')).toContain('snapshot-merge')
    await bench.boots(NEW_BUILD, 'a')
    await bench.close()
  })

  it('and that the terminal cannot finish leaves everything as it is', async () => {
    const bench = await merging()
    await bench.planned()
    bench.terminal.setFaults({
      faults: [
        {
          kind: 'refuse',
          at: { startsWith: 'snapshot-update:merge' },
          words: 'Unable to finish snapshot merge',
        },
      ],
    })
    expectEnd(await bench.run(), 'interrupted', 'snapshot-failed', /Unable to finish/)
    await bench.boots(OLD_BUILD, 'b')
    await bench.resumes()
    await bench.close()
  })

  it.each([0.2, 0.5, 0.8])('loses power at %f of the merge, and is finished by resuming', async (share) => {
    const bench = await merging()
    await bench.planned()
    const writes = 2 * (256 + 128 + 128) * 1024
    bench.terminal.setFaults({
      faults: [{ kind: 'power-cut-in-write', afterBytes: Math.floor((writes / 2) * share) }],
    })
    expectEnd(await bench.run(), 'interrupted', 'terminal-gone')
    await bench.boots(OLD_BUILD, 'b')
    await bench.terminal.powerOn()
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'a')
    await bench.close()
  })

  it('meanwhile, by the system itself, is nothing to wait for', async () => {
    const bench = await ModeBench.open(roomy, {
      mergePauseMs: 1,
      prepare: (terminal) => stageAndSwitch(terminal, update),
    })
    await bench.planned()
    await bench.resumes()
    await bench.close()
  })
})

describe.concurrent('an update of the terminal’s own that is staged', () => {
  it('for the slot that does not run is dropped, which the plan says', async () => {
    const bench = await ModeBench.open(roomy, {
      prepare: async (terminal) => {
        await stage(terminal, update)
        await sayStaged(terminal)
      },
      from: 'bootloader',
    })
    const plan = await bench.planned()
    expect(codes(plan.warnings)).toContain('snapshot-cancelled')
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('and about which boot control says nothing is written over', async () => {
    const bench = await ModeBench.open(roomy, {
      prepare: async (terminal) => void (await stage(terminal, update)),
      from: 'bootloader',
    })
    await bench.planned()
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'b')
    expect((await partitionsInSuper(bench.terminal, 'b')).filter((name) => name.endsWith('-cow'))).toEqual([])
    await bench.close()
  })

  it('for the active slot is left to the terminal: a blocker', async () => {
    const bench = await ModeBench.open(roomy, {
      prepare: (terminal) => stageAndSwitch(terminal, update),
      from: 'bootloader',
    })
    const plan = await bench.bench.plan()
    expect(plan.fromSlot).toBe('b')
    expect(codes(plan.blockers)).toContain('snapshot-merging')
    expect(plan.blockers.find(({ code }) => code === 'snapshot-merging')?.next).toMatch(
      /Let the terminal boot/,
    )
    await bench.boots(OLD_BUILD, 'b')
    await bench.close()
  })
})

describe.concurrent('left-overs in super', () => {
  it('of an update that was never finished are deleted, which the plan says', async () => {
    const bench = await ModeBench.open(roomy, {
      prepare: (terminal) => addPartition(terminal, 'system_b-cow', 4096),
    })
    const plan = await bench.planned()
    expect(plan.warnings).toContainEqual(
      expect.objectContaining({ code: 'cow-leftover', detail: expect.stringContaining('system_b-cow') }),
    )
    await bench.resumes()
    expect(await partitionsInSuper(bench.terminal, 'b')).not.toContain('system_b-cow')
    await bench.close()
  })

  it('that turn up after planning leave no room: refused before anything is written', async () => {
    const bench = await ModeBench.open(tight, { recipe: { giveUpOtherSlot: true } })
    await bench.planned()
    bench.terminal.cutPower()
    await fillSuper(bench.terminal, 'something_else')
    const before = await bench.terminal.partitionDigest('system_a')
    await bench.terminal.powerOn()
    const job = await bench.run()
    expectEnd(job, 'failed', 'super-space', /[Nn]ot enough space/)
    expect(job.steps.filter(({ id, state }) => id.includes('-write-') && state !== 'pending')).toEqual([])
    expect(await bench.terminal.partitionDigest('system_a')).toBe(before)
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })
})

describe.concurrent('a super with room for one slot', () => {
  it('is a blocker with numbers, before anything is written', async () => {
    const bench = await ModeBench.open(tight)
    const plan = await bench.bench.plan()
    const blocker = plan.blockers.find(({ code }) => code === 'super-space')
    expect(blocker?.detail).toMatch(
      /need \d[\d.]* \w+ in super, \d[\d.]* \w+ are free; slot a, which runs, holds \d/,
    )
    expect(blocker?.next).toMatch(/--policy sideload.*--give-up-other-slot/)
    expect(() => bench.bench.engine().create(plan)).toThrow(expect.objectContaining({ code: 'plan-blocked' }))
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('takes the new system when the other slot is given up in words', async () => {
    const bench = await ModeBench.open(tight)
    const plan = await bench.planned({ giveUpOtherSlot: true })
    expect(codes(plan.warnings)).toContain('other-slot-given-up')
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('takes it beside the old one when it is sideloaded', async () => {
    const bench = await ModeBench.open(tight, { policy: 'sideload' })
    await bench.planned()
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })
})

describe.concurrent('a terminal whose words are not to be relied on', () => {
  it('says that super is larger than it is: refused at the first change, and nothing is lost', async () => {
    const lying = {
      ...tight,
      profile: {
        ...tight.profile,
        fastboot: {
          ...tight.profile.fastboot,
          constants: { ...tight.profile.fastboot.constants, 'partition-size:super': '0x10000000' },
        },
      },
    }
    const bench = await ModeBench.open(lying)
    await bench.planned()
    const job = await bench.run()
    expectEnd(job, 'failed', 'super-space', /[Nn]ot enough space/)
    expect(job.steps.filter(({ id, state }) => id.includes('-write-') && state !== 'pending')).toEqual([])
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it.each([true, false])(
    '(fastbootd inverts the marks of slots: %s) is judged by its bootloader',
    async (successfulInverted) => {
      const { dynamic } = roomy.profile
      if (!dynamic) throw new Error('no super')
      const fastbootd = { ...dynamic.fastbootd, successfulInverted }
      const inverted = { ...roomy, profile: { ...roomy.profile, dynamic: { ...dynamic, fastbootd } } }
      const bench = await ModeBench.open(inverted)
      const plan = await bench.planned()
      expect(codes(plan.warnings)).not.toContain('running-slot-not-good')
      expect(plan.facts.slots.a?.successful?.value).toBe(true)
      await bench.resumes()
      await bench.close()
    },
  )
})

describe.concurrent('terminals that are not to be changed in that way', () => {
  it('are not, when they are locked', async () => {
    const bench = await ModeBench.open(roomy, { unlocked: false })
    const plan = await bench.bench.plan()
    expect(codes(plan.blockers)).toContain('bootloader-locked')
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('are not, when they have no super: no fastbootd is ever asked for', async () => {
    const bench = await ModeBench.open(single, { policy: 'single', recipe: { proofTimeout: 10 } })
    const commands: string[] = []
    bench.terminal.on((event) => {
      if (event.kind === 'command') commands.push(event.command)
    })
    const plan = await bench.planned()
    const job = await bench.bench.run(bench.id)
    expect(job.state, outcome(job)).toBe('done')
    expect(plan.steps.map(({ kind }) => kind)).not.toContain('resize-logical')
    expect(commands.filter((command) => /fastboot|logical|snapshot|super:/.test(command))).toEqual([])
    await bench.boots(NEW_BUILD)
    await bench.close()
  })
})
