// Locks as files, for folders that several programs or computers share: they name their owner, and its heartbeat shows it alive.
//
// What they guard is safe without them too (files are whole or not there, chunks are checked before they are written): a lock spares
// double work. So the moment in which two programs could both take over a dead owner's lock does no harm.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { writingError } from '../files/write-whole.ts'
import { processAlive } from '../host/process-alive.ts'

const ownerSchema = z.object({ token: z.string(), pid: z.number().int(), host: z.string() })
type Owner = z.infer<typeof ownerSchema>

/** Milliseconds. Shared folders show new times late: an owner counts as dead only after many missed beats. */
const BEAT_MS = 5_000
const DEAD_MS = 60_000
const LOOK_MS = 100

export interface LockOptions {
  /** How long to wait for another owner; 0 tries once. */
  readonly waitMs: number
  readonly signal?: AbortSignal
  /** Called once, when somebody else has it. */
  readonly onWait?: (owner: string) => void
}

/** Runs `work` while the lock is held.
 * @throws SlotbenchError `repo-busy` when a living owner keeps it for longer than `waitMs`. */
export async function withFileLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const release = await takeLock(path, options)
  try {
    return await work()
  } finally {
    await release()
  }
}

/** @returns what gives it back. */
export async function takeLock(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const until = performance.now() + options.waitMs
  let told = false
  for (;;) {
    if (options.signal?.aborted) throw abortError(options.signal)
    const own = await tryTake(path)
    if (own !== undefined) return keep(path, own)
    const owner = await ownerOf(path)
    if (owner === undefined) continue
    if (!(await isAlive(path, owner))) {
      await giveUpFor(path, owner)
      continue
    }
    const who = `process ${owner.pid} on ${owner.host}`
    if (performance.now() >= until) throw new SlotbenchError('repo-busy', `${who} holds ${path}`)
    if (!told) options.onWait?.(who)
    told = true
    await sleep(LOOK_MS, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {})
  }
}

async function tryTake(path: string): Promise<Owner | undefined> {
  const owner: Owner = { token: randomUUID(), pid: process.pid, host: hostname() }
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(JSON.stringify(owner))
    } finally {
      await handle.close()
    }
    return owner
  } catch (error) {
    // Windows says EPERM while a file of that name is being removed.
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST' || (process.platform === 'win32' && code === 'EPERM')) return undefined
    throw writingError(error, path)
  }
}

/** @returns undefined when nobody holds it any more. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  const content = await readFile(path, 'utf8').catch(() => undefined)
  if (content === undefined) return undefined
  try {
    return ownerSchema.parse(JSON.parse(content))
  } catch {
    // Made and not written yet, or left so by a power cut: its age decides.
    return { token: '', pid: 0, host: '' }
  }
}

async function isAlive(path: string, owner: Owner): Promise<boolean> {
  if (owner.host === hostname() && !processAlive(owner.pid)) return false
  const beat = await stat(path).catch(() => undefined)
  if (beat === undefined) return false
  return (await timeAt(path)) - beat.mtimeMs < DEAD_MS
}

/** The clock of the file system that holds the lock: another computer's may differ from ours. */
async function timeAt(path: string): Promise<number> {
  const probe = `${path}.${randomUUID().slice(0, 8)}.time`
  const handle = await open(probe, 'wx')
  try {
    return (await handle.stat()).mtimeMs
  } finally {
    await handle.close()
    await rm(probe, { force: true })
  }
}

async function giveUpFor(path: string, dead: Owner): Promise<void> {
  const now = await ownerOf(path)
  if (now?.token === dead.token) await rm(path, { force: true })
}

function keep(path: string, owner: Owner): () => Promise<void> {
  const beating = setInterval(() => void beat(path, owner).catch(() => {}), BEAT_MS)
  beating.unref()
  return async () => {
    clearInterval(beating)
    if ((await ownerOf(path))?.token === owner.token) await rm(path, { force: true })
  }
}

/** The same words again: the file system sets the time, by the clock that `isAlive` compares with. */
async function beat(path: string, owner: Owner): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.write(JSON.stringify(owner), 0)
  } finally {
    await handle.close()
  }
}

/** Whether somebody alive holds the lock at `path`. */
export async function isHeld(path: string): Promise<boolean> {
  const owner = await ownerOf(path)
  return owner !== undefined && (await isAlive(path, owner))
}
