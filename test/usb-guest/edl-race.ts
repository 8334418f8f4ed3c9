// The same EDL package flashed by Linaro's qdl and by Slotbench, onto equal terminals over the kernel's USB, and how long each took.
// Nothing is asserted about the times: everything is emulated here, and Node suffers from that more than C does.
import assert from 'node:assert/strict'
import type { BuildOptions } from '../../src/simulator/make-images.ts'
import { check } from './checks.ts'
import { GadgetClient } from './gadget-client.ts'
import { assertBothSlots, flashWithQdl } from './linaro-qdl.ts'
import { EDL_PROFILE, EDL_SERIAL, PROFILE_ID, RACE_WORDS } from './setup.ts'
import { rescueWithSlotbench } from './slotbench-edl.ts'

const SECTOR = 4096

interface Lap {
  readonly seconds: number
  /** Bytes that the terminal was told to take. */
  readonly bytes: number
}

/** @param build what the terminals hold before. */
export async function edlRace(build: BuildOptions): Promise<void> {
  const laps: { qdl?: Lap; whole?: Lap; writing?: number } = {}
  await check('Linaro’s qdl flashes both slots, timed', async () => {
    laps.qdl = await lap(build, flashWithQdl)
  })
  await check('Slotbench flashes both slots by its rescue, timed', async () => {
    laps.whole = await lap(build, async () => {
      laps.writing = writingOf(await rescueWithSlotbench())
    })
  })
  const { qdl, whole, writing } = laps
  if (qdl === undefined || whole === undefined || writing === undefined) return
  const speed = ({ bytes }: Lap, seconds: number) => bytes / 1e6 / seconds
  const ratio = (seconds: number) => (speed(whole, seconds) / speed(qdl, qdl.seconds)).toFixed(2)
  console.log(
    [
      `${RACE_WORDS}qdl, whole: ${shown(qdl)}`,
      `${RACE_WORDS}Slotbench, whole, with verification and the boot: ${shown(whole)}, ${ratio(whole.seconds)} × as fast`,
      `${RACE_WORDS}Slotbench, its write steps: ${writing.toFixed(1)} s, ${ratio(writing)} × as fast`,
    ].join('\n'),
  )
}

function shown({ bytes, seconds }: Lap): string {
  return `${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s`
}

/** A terminal of its own, in EDL, with the old build. */
async function lap(build: BuildOptions, flash: () => Promise<void>): Promise<Lap> {
  const terminal = new GadgetClient()
  try {
    const options = { profileId: PROFILE_ID, profile: EDL_PROFILE, serial: EDL_SERIAL, build }
    await terminal.call('start', { ...options, in: 'edl', hands: true })
    const startedAt = performance.now()
    await flash()
    const seconds = (performance.now() - startedAt) / 1000
    await assertBothSlots(terminal)
    const sectors = (await terminal.call('commands')).map((command) =>
      Number(/^firehose:program .*\bcount (\d+)/.exec(command)?.[1] ?? 0),
    )
    return { seconds, bytes: SECTOR * sectors.reduce((sum, one) => sum + one, 0) }
  } finally {
    terminal.kill()
    await terminal.ended
  }
}

/** Seconds of the write steps, by their receipts. */
function writingOf(told: string): number {
  const durations = [...told.matchAll(/"kind":"write"[^}]*"durationMs":([\d.]+)/g)]
  assert.ok(durations.length > 0, told.slice(-1500))
  return durations.reduce((sum, [, ms]) => sum + Number(ms), 0) / 1000
}
