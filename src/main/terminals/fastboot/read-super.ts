// The tables of the installed super, where fastbootd gives its first bytes out.
import { asSlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Fact, SuperTables } from '../../../shared/terminal.ts'
import { bytes, type Slot } from '../../../shared/units.ts'
import { readSuper } from '../../core/formats/super.ts'
import { superTables } from '../../core/formats/super-tables.ts'
import type { ByteSource } from '../../core/source.ts'
import type { FastbootClient } from '../../protocols/fastboot/client.ts'
import { readBack } from './read-back.ts'

/** Geometry and metadata lie before the first logical partition, which is aligned to 1 MiB. */
const HEAD = 1024 * 1024

export interface SuperPlace {
  readonly superName: string
  /** The slot that runs: its copy of the tables is the one that fastbootd changes, and then writes over all others
   * (AOSP fastboot/device/commands.cpp, GetSuperSlotSuffix). */
  readonly slot: Slot | undefined
  readonly maxFetch: number
}

/** Undefined when the terminal refuses (AOSP's fastbootd lets vendor_boot be read only) or what it gives is no super. */
export async function readSuperTables(
  client: FastbootClient,
  place: SuperPlace,
  o: IoOptions,
): Promise<Fact<SuperTables> | undefined> {
  const head = new Uint8Array(HEAD)
  let filled = 0
  try {
    const range = { partition: place.superName, size: HEAD, maxFetch: place.maxFetch }
    for await (const piece of readBack(client, range, o)) {
      head.set(piece, filled)
      filled += piece.length
    }
    const source = headSource(head, place.superName)
    const reading = await readSuper(source, { signal: o.signal, slot: place.slot === 'b' ? 1 : 0 })
    const value = superTables(reading.metadata)
    return value && { value, source: `fetch ${place.superName}` }
  } catch (thrown) {
    const { code } = asSlotbenchError(thrown)
    if (code === 'terminal-refused' || code === 'super-invalid' || code === 'source-truncated')
      return undefined
    throw thrown
  }
}

function headSource(head: Uint8Array<ArrayBuffer>, name: string): ByteSource {
  return {
    name,
    size: bytes(head.length),
    read: async (offset, length) => head.slice(offset, offset + length),
    close: async () => {},
  }
}
