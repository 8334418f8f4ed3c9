// What fastbootd does to the tables of super: logical partitions made, resized and removed, staged updates dropped or merged.
// Each change is asked about afterwards: an OKAY is no proof.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { PartitionFacts } from '../../../shared/terminal.ts'
import { type Bytes, type PartitionName, splitSlot } from '../../../shared/units.ts'
import type { ImageSource } from '../../core/source.ts'
import { refusalWords } from '../../protocols/fastboot/channel.ts'
import type { FastbootClient } from '../../protocols/fastboot/client.ts'
import type { ResizeOptions } from '../types.ts'
import { partitionFacts } from './facts.ts'
import type { VariableReader } from './read-facts.ts'

/** fastbootd, as far as super is concerned. */
export interface SuperEditor {
  readonly client: FastbootClient
  readonly reader: VariableReader
}

/** Done as well when there is none of that name. */
export async function deleteLogical(editor: SuperEditor, target: PartitionName, o: IoOptions): Promise<void> {
  if ((await lookAgain(editor, target, o)) === undefined) return
  await editor.client.deleteLogicalPartition(target, o)
  if ((await lookAgain(editor, target, o)) !== undefined)
    throw new SlotbenchError('terminal-refused', `the terminal removed ${target} and still has it`)
}

/** Makes the partition when it is missing.
 * @throws SlotbenchError `terminal-refused`, also when the terminal agreed and the partition is smaller than asked for. */
export async function resizeLogical(
  editor: SuperEditor,
  change: { readonly target: PartitionName; readonly size: Bytes },
  o: ResizeOptions,
): Promise<void> {
  const { target, size } = change
  const known = await lookAgain(editor, target, o)
  if (known?.size === size) return
  if (known === undefined) await makeLogical(editor, change, o)
  else
    await editor.client.resizeLogicalPartition(target, size, o).catch(async (refusal: unknown) => {
      if (o.orAnew !== true || !isForSpace(refusal)) throw refusal
      // The group that it is in may have a limit that the terminal does not tell. One made anew is in the group `default`, which
      // has none (AOSP fastboot/device/commands.cpp, CreatePartitionHandler).
      await editor.client.deleteLogicalPartition(target, o)
      await makeLogical(editor, change, o)
    })
  const now = await lookAgain(editor, target, o)
  // liblp rounds up to its blocks; less than asked for would cut the image off.
  if (now?.size !== undefined && now.size < size)
    throw new SlotbenchError('terminal-refused', `${target} has ${now.size} bytes instead of ${size}`)
}

/** Made empty and then grown, so that both ways to a size end in the same question: is there room? */
async function makeLogical(
  { client }: SuperEditor,
  { target, size }: { readonly target: PartitionName; readonly size: Bytes },
  o: IoOptions,
): Promise<void> {
  await client.createLogicalPartition(target, 0, o)
  if (size > 0) await client.resizeLogicalPartition(target, size, o)
}

function isForSpace(thrown: unknown): boolean {
  return thrown instanceof SlotbenchError && meaningOf(thrown).code === 'super-space'
}

/** @param superName `super-partition-name`; `super` where the terminal does not tell. */
export async function updateSuper(
  { client, reader }: SuperEditor,
  change: { readonly superName: string; readonly tables: ImageSource; readonly wipe: boolean },
  o: IoOptions,
): Promise<void> {
  await downloadWhole(client, change.tables, o)
  await client.updateSuper(change.superName, { ...o, wipe: change.wipe })
  reader.forget(() => true)
}

/** @throws SlotbenchError `snapshot-failed` when the terminal refuses. */
export async function snapshotUpdate(
  { client, reader }: SuperEditor,
  action: 'cancel' | 'merge',
  o: IoOptions,
): Promise<void> {
  try {
    await client.snapshotUpdate(action, o)
  } catch (thrown) {
    const words = thrown instanceof SlotbenchError ? refusalWords(thrown) : undefined
    if (words === undefined) throw thrown
    throw new SlotbenchError('snapshot-failed', `snapshot-update:${action}: ${words}`, { cause: thrown })
  }
  // Cancelling and merging both take the copy-on-write partitions away.
  reader.forget(() => true)
}

/** What the terminal says of a partition now; undefined when there is none. */
async function lookAgain(
  { reader }: SuperEditor,
  target: PartitionName,
  o: IoOptions,
): Promise<PartitionFacts | undefined> {
  const { base } = splitSlot(target)
  reader.forget((name) => name === target || name === base)
  await reader.lookAtPartitions([target], o)
  return partitionFacts(reader.variables)[target]
}

/** Tables of super are a few hundred kilobytes. */
const MAX_WHOLE = 16 * 1024 * 1024

/** An image in one raw download, as `update-super` wants it: never sparse (AOSP fastboot README). */
async function downloadWhole(client: FastbootClient, image: ImageSource, o: IoOptions): Promise<void> {
  if (image.size > MAX_WHOLE)
    throw new SlotbenchError('image-too-large', `${image.size} bytes are too many for the tables of super`)
  const content = new Uint8Array(image.size)
  for await (const extent of image.extents({ signal: o.signal }))
    if (extent.kind === 'data') content.set(extent.bytes, extent.offset)
    else if (extent.kind === 'fill' && extent.word !== 0)
      throw new SlotbenchError('super-invalid', 'the tables of super hold a pattern instead of tables')
  await client.download(image.size, [content], o)
}

/** AOSP fastbootd: "Not enough space to resize partition", "Not enough space for partition", and what `strerror` says of
 * ENOSPC and EOVERFLOW; makers' own fastbootds vary the words. */
const NO_SPACE =
  /not enough (free )?space|no space left|insufficient (space|storage)|out of space|value too large/i
const SNAPSHOT = /snapshot|merge|merging/i

/** A refusal of fastbootd as what it means for the job; everything else as it is. */
export function meaningOf(error: SlotbenchError): SlotbenchError {
  const words = error.code === 'terminal-refused' ? refusalWords(error) : undefined
  if (words === undefined) return error
  const code = NO_SPACE.test(words) ? 'super-space' : SNAPSHOT.test(words) ? 'snapshot-failed' : undefined
  if (code === undefined) return error
  return new SlotbenchError(code, error.message, { context: error.context, cause: error })
}
