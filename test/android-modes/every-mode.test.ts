// In whatever mode a terminal comes in, the job takes it to where the plan needs it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NEW_BUILD, type Workplace } from '../flash-bench.ts'
import { ModeBench, openPlace } from './bench.ts'

let place: Workplace
beforeAll(async () => {
  place = await openPlace('nx769j')
})
afterAll(() => place.close())

const WRITTEN = ['system', 'recovery', 'sideload', 'rescue', 'bootloader', 'fastbootd'] as const
const SIDELOADED = ['system', 'recovery', 'sideload', 'rescue', 'bootloader', 'fastbootd'] as const

describe.concurrent('a terminal that comes in', () => {
  it.each(WRITTEN)('in %s mode is written without hands', async (from) => {
    const bench = await ModeBench.open(place, { from })
    await bench.planned()
    const job = await bench.resumes()
    expect(bench.waitings.map(({ reason }) => reason).filter((reason) => reason.startsWith('hands'))).toEqual(
      [],
    )
    expect(job.steps.at(-1)?.receipt).toMatchObject({ by: 'boot-completed', slot: 'b' })
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it.each(SIDELOADED)('in %s mode is given a package without hands', async (from) => {
    const bench = await ModeBench.open(place, { from, policy: 'sideload' })
    await bench.planned()
    const job = await bench.resumes()
    expect(bench.waitings.map(({ reason }) => reason).filter((reason) => reason.startsWith('hands'))).toEqual(
      [],
    )
    expect(job.steps.at(-1)?.receipt).toMatchObject({ by: 'boot-completed' })
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })
})
