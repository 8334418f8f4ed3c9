// Data on its way to a terminal without gaps: the next write waits behind the one on the wire, and its content is fetched meanwhile.

type Chunk = Uint8Array<ArrayBuffer>

/** Writes at a time: one on the wire, one behind it (the package of USB does one after the other). */
const IN_FLIGHT = 2
/** What the copying side needs: those in flight, and one that is being filled. */
const RING = IN_FLIGHT + 1

/** Sends the pieces in order. `send` is called for a piece while the one before it is still on its way.
 * @throws whatever `send` or the pieces throw first; later sends then go on without anybody waiting. */
export async function sendSteadily(
  pieces: AsyncIterable<Chunk>,
  send: (piece: Chunk) => Promise<void>,
): Promise<void> {
  const inFlight: Promise<void>[] = []
  for await (const piece of pieces) {
    const sending = send(piece)
    // A failure is noticed where it is waited for.
    sending.catch(() => undefined)
    inFlight.push(sending)
    if (inFlight.length >= IN_FLIGHT) await inFlight.shift()
  }
  for (const sending of inFlight) await sending
}

/** Cuts and joins pieces into units of exactly `unit` bytes, the last one shorter. What holds a whole unit is not copied; the memory of
 * the others is used again when {@link sendSteadily} is done with it. */
export async function* inUnits(
  pieces: AsyncIterable<Chunk>,
  unit: number,
): AsyncGenerator<Chunk, void, void> {
  const ring: Chunk[] = []
  let turn = 0
  let filled = 0
  const buffer = () => (ring[turn % RING] ??= new Uint8Array(unit))
  for await (const piece of pieces) {
    let from = 0
    while (from < piece.length) {
      if (filled === 0 && piece.length - from >= unit) {
        yield piece.subarray(from, from + unit)
        from += unit
        continue
      }
      const take = Math.min(unit - filled, piece.length - from)
      buffer().set(piece.subarray(from, from + take), filled)
      filled += take
      from += take
      if (filled < unit) continue
      yield buffer()
      turn += 1
      filled = 0
    }
  }
  if (filled > 0) yield buffer().subarray(0, filled)
}
