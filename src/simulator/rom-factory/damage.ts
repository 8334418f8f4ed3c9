// The simplest corruptions of any file; those of one format are made of them.

/** Gives a damaged copy. */
export type Damage = (content: Uint8Array) => Uint8Array

/** The bytes up to `size`; a negative one counts from the end. */
export function truncated(size: number): Damage {
  return (content) => content.slice(0, size)
}

/** One bit of the byte at `offset` turned over. */
export function bitFlipped(offset: number, bit = 0): Damage {
  return patched((view) => view.setUint8(offset, view.getUint8(offset) ^ (1 << bit)))
}

/** A copy changed in place. */
export function patched(change: (view: DataView, bytes: Uint8Array) => void): Damage {
  return (content) => {
    const copy = new Uint8Array(content)
    change(new DataView(copy.buffer), copy)
    return copy
  }
}
