// Qualcomm's slot state in the attribute field of GPT entries (bits 48-55, as its bootloader and boot HAL keep it).

export interface SlotAttributes {
  /** 0 to 3; the bootloader takes the highest. */
  readonly priority: number
  readonly active: boolean
  /** Boots left to try, 0 to 7. */
  readonly retryCount: number
  readonly successful: boolean
  readonly unbootable: boolean
}

const SHIFT = 48n
const SLOT_BITS = 0xffn << SHIFT
const U64 = (1n << 64n) - 1n

export function decodeSlotAttributes(attributes: bigint): SlotAttributes {
  const bits = Number((attributes >> SHIFT) & 0xffn)
  return {
    priority: bits & 3,
    active: (bits & 4) !== 0,
    retryCount: (bits >> 3) & 7,
    successful: (bits & 0x40) !== 0,
    unbootable: (bits & 0x80) !== 0,
  }
}

/** The attributes with this slot state; every other bit of `previous` stays, known or not (ZTE sets bit 60).
 * @param state priority is cut to 2 bits and the retry count to 3. */
export function encodeSlotAttributes(previous: bigint, state: SlotAttributes): bigint {
  const bits =
    (state.priority & 3) |
    (state.active ? 4 : 0) |
    ((state.retryCount & 7) << 3) |
    (state.successful ? 0x40 : 0) |
    (state.unbootable ? 0x80 : 0)
  return (previous & U64 & ~SLOT_BITS) | (BigInt(bits) << SHIFT)
}
