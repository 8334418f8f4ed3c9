// A whole dm-verity hash tree in memory, for who has to write it: a delta leaves trees to the terminal that installs it.
import { type Hashtree, HashtreeBuilder, type HashtreeShape, hashtreeLevels } from './avb-hashtree.ts'

export interface HashtreeSource extends HashtreeShape {
  /** Exactly `length` bytes of the image from `offset`. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>
}

const READ_SIZE = 1024 * 1024

/** Reads the image once, in order.
 * @returns the tree as it lies in an image, the topmost level first; empty for an image of a single block.
 * @throws SlotbenchError `vbmeta-invalid` when the numbers describe no tree; whatever `read` throws passes through. */
export async function hashtreeBytes(
  source: HashtreeSource,
): Promise<Pick<Hashtree, 'root'> & { readonly tree: Uint8Array<ArrayBuffer> }> {
  const sizes = hashtreeLevels(source)
  const tree = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
  const next = sizes.map((_, level) => sizes.slice(0, level).reduce((sum, size) => sum + size, 0))
  const builder = new HashtreeBuilder(source, (level, block) => {
    const at = next[level] ?? 0
    tree.set(block, at)
    next[level] = at + block.byteLength
  })
  for (let at = 0; at < source.imageSize; at += READ_SIZE)
    builder.update(await source.read(at, Math.min(READ_SIZE, source.imageSize - at)))
  return { root: builder.finish().root, tree }
}
