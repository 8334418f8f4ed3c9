// A test runner of a few lines for inside the guest: ordered checks on one terminal, each reported as it ends.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKS_FILE, type Check, EMULATION_DEATH, SHARED } from './setup.ts'

const done: Check[] = []

/** Runs one check. A failure is noted and the next check still runs. */
export async function check(title: string, body: () => Promise<void>): Promise<void> {
  const started = performance.now()
  let failure = await failureOf(body)
  if (failure?.includes(EMULATION_DEATH)) {
    console.log(` ! ${title}: Node died of its emulation (${EMULATION_DEATH}); once more`)
    failure = await failureOf(body)
  }
  const ms = Math.round(performance.now() - started)
  done.push({ title, ms, ...(failure !== undefined && { failure }) })
  console.log(
    `${failure === undefined ? ' ✓' : ' ✗'} ${title} (${ms} ms)${failure === undefined ? '' : `\n${failure}`}`,
  )
  writeFileSync(join(process.env[SHARED] ?? '.', CHECKS_FILE), JSON.stringify(done))
}

function failureOf(body: () => Promise<void>): Promise<string | undefined> {
  return body().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
}
