// Single partitions of a terminal, read into a file and planned to be written from one, as every host does it.
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { Plan } from '../../shared/plan.ts'
import { bytes, partitionName } from '../../shared/units.ts'
import { openImageFile } from '../core/formats/image-file.ts'
import { planWriteFile } from '../core/plan/file-plan.ts'
import { sha256OfImage } from '../core/rom/verify.ts'
import { fileError } from '../io/files/open-file.ts'
import type { FlashSession } from '../terminals/types.ts'
import type { Bench } from './bench.ts'
import { checkReadsBack } from './partition-session.ts'

type OnProgress = (done: number, total: number) => void

/** Bytes of a partition; undefined sizes cannot be read whole.
 * @throws SlotbenchError `partition-missing`, `terminal-wrong-mode`. */
export async function partitionSize(
  session: FlashSession,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  checkReadsBack(session)
  const known =
    session.facts.partitions[name] ??
    (await session.describe([name], { signal, deadline: Deadline.after(30_000) })).partitions[name]
  if (known?.size === undefined) throw new SlotbenchError('partition-missing', `there is no ${name}`)
  return known.size
}

export interface ReadInto {
  readonly partition: string
  readonly file: string
  readonly signal: AbortSignal
  readonly onProgress?: OnProgress
}

/** Into a file that is complete or not there.
 * @throws SlotbenchError `partition-missing`, `terminal-wrong-mode`, `host-io`, and what reading throws. */
export async function readPartitionInto(
  session: FlashSession,
  { partition, file, signal, onProgress }: ReadInto,
): Promise<{ readonly file: string; readonly bytes: number; readonly sha256: string }> {
  const size = await partitionSize(session, partition, signal)
  const path = resolve(file)
  const unfinished = `${path}.part`
  const hash = createHash('sha256')
  const io = { signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }
  try {
    const handle = await open(unfinished, 'w')
    let done = 0
    try {
      for await (const piece of session.read(partitionName(partition), bytes(size), io)) {
        hash.update(piece)
        await handle.writeFile(piece)
        done += piece.length
        onProgress?.(done, size)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error instanceof SlotbenchError ? error : fileError(error, file)
  }
  return { file: path, bytes: size, sha256: hash.digest('hex') }
}

export interface WriteOf {
  readonly partition: string
  readonly file: string
  /** The technician knows that the partition belongs to the slot that boots. */
  readonly activeSlot: boolean
  /** Percent below which nothing is started. */
  readonly batteryLimit: number
  readonly signal: AbortSignal
  /** Of the file's digest. */
  readonly onProgress?: OnProgress
}

/** What would be kept and written.
 * @throws SlotbenchError `partition-missing`, `terminal-wrong-mode`, and what reading the file throws. */
export async function planWriteOf(
  bench: Bench,
  session: FlashSession,
  { partition, file, activeSlot, batteryLimit, signal, onProgress }: WriteOf,
): Promise<Plan> {
  const path = resolve(file)
  const source = await bench.openFile(path)
  let done = 0
  let image: Awaited<ReturnType<typeof openImageFile>>
  let sha256: string
  try {
    image = await openImageFile(source)
    const { size } = image
    sha256 = await sha256OfImage(image, {
      ...{ signal, workshop: bench.workshop },
      onBytes: (count) => {
        done += count
        onProgress?.(done, size)
      },
    })
  } finally {
    await source.close()
  }
  await partitionSize(session, partition, signal)
  const host = { freeBytes: await bench.freeBytes() }
  return planWriteFile(
    { facts: session.facts, host, batteryLimit, now: new Date().toISOString() },
    { partition, path, bytes: image.size, sha256 },
    { activeSlot },
  )
}
