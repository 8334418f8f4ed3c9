// What kind of programmer a loader is. It stands in the loader file itself, as real ones have it in their code.
import { z } from 'zod'

export const programmerTraitsSchema = z.object({
  /** `TargetName` in the reply to configure. */
  target: z.string(),
  memory: z.enum(['ufs', 'emmc']),
  /** Bytes of one payload to the terminal that it can take; 0: a peek loader, which identifies and reads (zte-domain §4.2.2). */
  maxPayload: z.number().int().nonnegative(),
  /** Bytes of one XML document from the host. */
  maxXml: z.number().int().positive(),
  /** `configure` must carry `Oem` with this value; null: it may carry anything (zte-domain §0.2). */
  oem: z.string().nullable(),
  /** What it knows; it lists them when it starts. */
  commands: z.array(z.string()),
  storageInfo: z.enum(['json', 'text']),
  /** How documents go over the wire: one transfer each, those of one answer in one transfer, or each cut in two anywhere. */
  documents: z.enum(['apart', 'joined', 'split']),
  /** Says more after a response, as on MSM8916 (zte-domain §4.2.1). */
  trailingLogs: z.boolean(),
  /** Where a zero-length packet does no harm: wherever a payload ends, or only behind the last one (zte-domain §4.2.6). */
  zlp: z.enum(['at-payload-ends', 'once-at-end']),
  digestIn: z.enum(['log', 'response']),
  /** How fast it digests storage; 0: as fast as it can. */
  digestBytesPerSecond: z.number().nonnegative(),
  /** Sets USB up anew when it starts, off the bus for so long, ms; null: goes on as the boot ROM's device (zte-domain §0.3). */
  reenumeratesAfterMs: z.number().nonnegative().nullable(),
  /** Falls back to the boot ROM when no command has come by then, ms; 0: waits for ever. */
  watchdogMs: z.number().nonnegative(),
})
export type ProgrammerTraits = z.infer<typeof programmerTraitsSchema>

const MAGIC = 'SLOTBENCH-SIM-FIREHOSE'

/** The traits as the beginning of a loader's code segment. */
export function encodeTraits(traits: ProgrammerTraits): Uint8Array {
  const json = Buffer.from(JSON.stringify(traits))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([Buffer.from(MAGIC), length, json])
}

/** What runs when this code is started; undefined for code that is no programmer. */
export function decodeTraits(code: Uint8Array): ProgrammerTraits | undefined {
  const bytes = Buffer.from(code.buffer, code.byteOffset, code.byteLength)
  const start = MAGIC.length + 4
  if (bytes.length < start || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
  const json = bytes.toString('utf8', start, start + bytes.readUInt32LE(MAGIC.length))
  try {
    return programmerTraitsSchema.parse(JSON.parse(json))
  } catch {
    return undefined
  }
}
