// The storage of a terminal that is measured with: kept in memory, or forgotten where it is large.
import type { TerminalProfile } from '../../src/simulator/profiles/types.ts'
import { geometryOf } from '../../src/simulator/storage/layout.ts'
import { type Medium, MemoryMedium } from '../../src/simulator/storage/medium.ts'
import { SimulatedStorage } from '../../src/simulator/storage/storage.ts'

/** In memory; or the large partitions' LUN without keeping what is flashed to them. */
export function benchStorage(
  profile: TerminalProfile,
  { forgetful }: { readonly forgetful: boolean },
): SimulatedStorage {
  const { sectorSize, luns } = geometryOf(profile)
  const media = new Map<number, Medium>()
  for (const [lun, size] of luns.entries()) {
    if (size === undefined) continue
    const memory = new MemoryMedium(size)
    media.set(lun, forgetful && size > LARGE_LUN ? forgettingLarge(memory) : memory)
  }
  return SimulatedStorage.over(sectorSize, media)
}

const LARGE_LUN = 512 * 1024 * 1024
/** What a terminal writes of an image at a time is longer than this, its bookkeeping is shorter. */
const LARGE_WRITE = 512 * 1024

function forgettingLarge(memory: MemoryMedium): Medium {
  return {
    size: memory.size,
    read: (offset, target) => memory.read(offset, target),
    write: async (offset, bytes) => {
      if (bytes.length < LARGE_WRITE) await memory.write(offset, bytes)
    },
    discard: (offset, length) => memory.discard(offset, length),
    fork: () => memory.fork(),
    close: () => memory.close(),
  }
}
