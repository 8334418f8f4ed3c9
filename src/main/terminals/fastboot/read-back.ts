// Reading partitions back with `fetch`, where the terminal lets that be done at all.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Fact } from '../../../shared/terminal.ts'
import type { Slot } from '../../../shared/units.ts'
import { parseVbmeta, VBMETA_MAX_SIZE, type Vbmeta } from '../../core/formats/vbmeta.ts'
import type { FastbootClient } from '../../protocols/fastboot/client.ts'

/** No single answer carries more, whatever the terminal offers: progress and cancelling stay lively. */
const MAX_PIECE = 64 * 1024 * 1024

/** The first `size` bytes of a partition, in order.
 * @param maxFetch bytes that one `fetch` may return. */
export async function* readBack(
  client: FastbootClient,
  range: { readonly partition: string; readonly size: number; readonly maxFetch: number },
  o: IoOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const step = Math.min(range.maxFetch, MAX_PIECE)
  for (let offset = 0; offset < range.size; offset += step) {
    const length = Math.min(step, range.size - offset)
    yield* client.fetch(range.partition, o, { offset, length })
  }
}

/** What a look at the installed vbmeta tells. */
export interface InstalledVbmeta {
  /** Whether the terminal gave any bytes out: AOSP's fastbootd offers `max-fetch-size` and then allows vendor_boot only. */
  readonly readable: boolean
  readonly rollback: Fact<Readonly<Record<string, number>>> | undefined
  /** SHA-256 of the key that signs it. */
  readonly avbKey: Fact<string> | undefined
}

export interface VbmetaPlace {
  readonly currentSlot: Slot | undefined
  readonly maxFetch: number
  /** Bytes of a partition, where the terminal tells. */
  readonly sizeOf: (partition: string) => Promise<number | undefined>
}

/** Reads the vbmeta that the terminal boots from, and those chained to it that are images of their own (`vbmeta_system`), for
 * their rollback indices and the key. Never throws for a refusal or a vbmeta that cannot be read. */
export async function readInstalledVbmeta(
  client: FastbootClient,
  place: VbmetaPlace,
  o: IoOptions,
): Promise<InstalledVbmeta> {
  const full = (base: string) => (place.currentSlot === undefined ? base : `${base}_${place.currentSlot}`)
  const partition = full('vbmeta')
  const bytes = await fetchVbmeta(client, { ...place, partition }, o)
  const top = bytes && parsed(bytes)
  if (!top) return { readable: bytes !== undefined, rollback: undefined, avbKey: undefined }
  const indices = new Map([[String(top.rollbackLocation), top.rollbackIndex]])
  for (const descriptor of top.descriptors) {
    if (descriptor.kind !== 'chain' || !/^vbmeta\w*$/.test(descriptor.partition)) continue
    const chained = await fetchVbmeta(client, { ...place, partition: full(descriptor.partition) }, o)
    const index = chained && parsed(chained)?.rollbackIndex
    // libavb keeps the index of a chained image where the chain says, not where its own header does.
    if (index !== undefined) indices.set(String(descriptor.rollbackLocation), index)
  }
  const safe = [...indices].filter(([, index]) => index <= BigInt(Number.MAX_SAFE_INTEGER))
  const value = Object.fromEntries(safe.map(([location, index]) => [location, Number(index)]))
  const source = `fetch ${partition}`
  return { readable: true, rollback: { value, source }, avbKey: keyOf(top, source) }
}

function keyOf({ publicKey }: Vbmeta, source: string): Fact<string> | undefined {
  if (publicKey.length === 0) return undefined
  return { value: createHash('sha256').update(publicKey).digest('hex'), source }
}

/** Undefined when the terminal refuses. */
async function fetchVbmeta(
  client: FastbootClient,
  place: VbmetaPlace & { readonly partition: string },
  o: IoOptions,
): Promise<Uint8Array | undefined> {
  const size = Math.min((await place.sizeOf(place.partition)) ?? VBMETA_MAX_SIZE, VBMETA_MAX_SIZE)
  const bytes = new Uint8Array(size)
  let filled = 0
  try {
    for await (const piece of readBack(client, { ...place, size }, o)) {
      bytes.set(piece, filled)
      filled += piece.length
    }
    return bytes
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'terminal-refused') return undefined
    throw thrown
  }
}

function parsed(bytes: Uint8Array): Vbmeta | undefined {
  try {
    return parseVbmeta(bytes)
  } catch (thrown) {
    if (thrown instanceof SlotbenchError) return undefined
    throw thrown
  }
}
