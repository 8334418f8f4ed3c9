// The binary part of `program`: receive buffers of the negotiated size, and what a zero-length packet does to them (zte-domain §4.2.6).
import { Refusal } from './sector-storage.ts'
import type { ProgrammerTraits } from './traits.ts'
import type { Wire } from './wire.ts'

export interface Reception {
  /** Bytes to come, whole sectors. */
  readonly size: number
  /** Bytes of one payload. */
  readonly payload: number
  /** Stores a buffer; a Refusal that it throws is kept until all has come. */
  readonly store: (offset: number, bytes: Uint8Array) => Promise<void>
}

/** Takes all of it. The programmer posts buffers of the payload size (the last one smaller) and trusts each to be full when it is
 * complete. A buffer that a short or zero-length packet ended early is stored whole, with what was in it before, and the next one goes
 * behind it: so such a packet within a payload spoils what is written and nothing tells of it.
 * @returns the first Refusal of `store`.
 * @throws LinkLost, Struck, PowerLost. */
export async function receiveData(
  wire: Wire,
  { zlp }: ProgrammerTraits,
  { size, payload, store }: Reception,
): Promise<Refusal | undefined> {
  const buffer = new Uint8Array(Math.min(size, payload))
  let failure: Refusal | undefined
  let stored = 0
  for (let received = 0; received < size; ) {
    const wanted = Math.min(payload, size - received)
    const bytes = await wire.readData(wanted, buffer)
    // Where a payload ends, the packet belongs to it, if the programmer knows of such packets.
    if (bytes.length === 0 && zlp === 'at-payload-ends') continue
    received += bytes.length
    const room = Math.min(wanted, size - stored)
    if (room <= 0) continue
    if (failure === undefined) {
      try {
        await store(stored, buffer.subarray(0, room))
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) throw thrown
        failure = thrown
      }
    }
    stored += room
  }
  return failure
}
