// What a terminal keeps in its metadata partition about a staged update: where each snapshot lies and how far it is merged
// (libsnapshot keeps the same in /metadata/ota as files; here it is one sector, so a write is whole or not there).
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Disk } from '../storage/disk.ts'

const size = z.number().int().nonnegative()
const recordSchema = z.object({
  /** The slot that ran when the update was staged. */
  source: z.enum(['a', 'b']),
  state: z.enum(['staging', 'snapshotted', 'merging']),
  snapshots: z.array(
    z.object({
      /** Full name of the partition in the new slot. */
      partition: z.string(),
      bytes: size,
      /** The logical partition that holds the new content, or the place in userdata where super had no room for one. */
      cow: z.union([z.object({ logical: z.string() }), z.object({ userdata: size })]),
      /** Bytes from the start that are merged. */
      merged: size,
    }),
  ),
})
export type OtaRecord = z.infer<typeof recordSchema>
export type Snapshot = OtaRecord['snapshots'][number]

const PARTITION = 'metadata'
/** Behind what else lies there. */
const OFFSET = 64 * 1024
const MAGIC = 'SIM-OTA\0'
const DIGEST = 32
const HEAD = MAGIC.length + 4 + DIGEST

/** Undefined when nothing is staged, or what was written there is damaged. */
export async function readOta(disk: Disk): Promise<OtaRecord | undefined> {
  const partition = disk.find(PARTITION)
  if (!partition) return undefined
  const sector = Buffer.from(await disk.read(partition, OFFSET, disk.storage.sectorSize))
  if (sector.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
  const length = sector.readUInt32LE(MAGIC.length)
  if (length > sector.length - HEAD) return undefined
  const body = sector.subarray(HEAD, HEAD + length)
  if (!digest(body).equals(sector.subarray(HEAD - DIGEST, HEAD))) return undefined
  return recordSchema.parse(JSON.parse(body.toString()))
}

/** @param record undefined: nothing is staged. @throws PowerLost. */
export async function writeOta(disk: Disk, record: OtaRecord | undefined): Promise<void> {
  const sector = Buffer.alloc(disk.storage.sectorSize)
  if (record) {
    const body = Buffer.from(JSON.stringify(record))
    sector.write(MAGIC, 'latin1')
    sector.writeUInt32LE(body.length, MAGIC.length)
    digest(body).copy(sector, HEAD - DIGEST)
    body.copy(sector, HEAD)
  }
  await disk.write(disk.get(PARTITION), OFFSET, sector)
}

function digest(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest()
}
