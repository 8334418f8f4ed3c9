// Which files of a fastboot image set go to which partition, in which order.
import { SlotbenchError } from '../../../shared/errors.ts'
import { partitionName, type Slot, splitSlot } from '../../../shared/units.ts'
import type { FastbootInfo } from '../formats/fastboot-info.ts'
import type { FileSet, SetFile } from './file-set.ts'

export interface SetImage {
  readonly file: SetFile
  readonly name: string
  readonly slot: Slot | undefined
}

export interface SetLayout {
  readonly images: readonly SetImage[]
  /** False when the set holds images that cannot be written yet. */
  readonly complete: boolean
  readonly notes: readonly string[]
}

/** lpmake's metadata of super without images: for `update-super`, not for a partition. */
export const SUPER_EMPTY = 'super_empty.img'
/** Pieces of a super image: `super_1.img` (Unisoc, nubia), `super.img_sparsechunk.0` (Motorola and others). */
const SUPER_CHUNK = /^super_\d+\.img$|^super\.img_sparsechunk\.?\d+$|^super\.img\.\d+$/
/** `bootloader-NAME-VERSION.img` and `radio-…` beside the nested zip of a factory image. */
const FIRMWARE = /^(bootloader|radio)-.+\.img$/

/** @param info the order, where the set has a fastboot-info.txt.
 * @throws SlotbenchError `package-incomplete` for a file that is named but absent, `package-unsafe` for two files for
 * the same partition. */
export function layoutOf(files: FileSet, info: FastbootInfo | undefined): SetLayout {
  const notes: string[] = []
  const chunks = [...files.keys()].filter((name) => SUPER_CHUNK.test(name))
  if (chunks.length > 0)
    notes.push(`The super image comes in ${chunks.length} pieces, which this version cannot put together.`)
  const images = info === undefined ? bySelfNaming(files, notes) : byFastbootInfo(files, info, notes)
  refuseDoubles(images)
  return { images, complete: chunks.length === 0, notes }
}

function bySelfNaming(files: FileSet, notes: string[]): SetImage[] {
  const images: SetImage[] = []
  for (const file of files.values()) {
    if (!file.name.endsWith('.img') || file.name === SUPER_EMPTY || SUPER_CHUNK.test(file.name)) continue
    const target = targetOf(FIRMWARE.exec(file.name)?.[1] ?? file.name.slice(0, -'.img'.length))
    if (target === undefined) notes.push(`${file.name} is not named after a partition and is left out.`)
    else images.push({ file, ...target })
  }
  return images
}

function byFastbootInfo(files: FileSet, info: FastbootInfo, notes: string[]): SetImage[] {
  const images: SetImage[] = []
  const named = new Set([SUPER_EMPTY])
  for (const { task, onlyOnWipe } of info.steps) {
    if (task.kind !== 'flash') continue
    named.add(task.file)
    if (onlyOnWipe) {
      notes.push(`${task.file} is for ${task.partition} when user data is wiped, and is left out.`)
      continue
    }
    const file = files.get(task.file)
    if (file === undefined)
      throw new SlotbenchError(
        'package-incomplete',
        `fastboot-info.txt names ${task.file}, which the set lacks`,
      )
    const target = targetOf(task.partition)
    if (target === undefined)
      throw new SlotbenchError('package-unsafe', `fastboot-info.txt names the partition ${task.partition}`)
    images.push({ file, name: target.name, slot: task.slotOther ? 'b' : target.slot })
  }
  for (const name of files.keys()) {
    if (FIRMWARE.test(name))
      images.unshift(...bySelfNaming(new Map([...files].filter(([n]) => n === name)), notes))
    else if (name.endsWith('.img') && !named.has(name) && !SUPER_CHUNK.test(name))
      notes.push(`${name} lies in the package, but fastboot-info.txt does not flash it.`)
  }
  return images
}

/** `system_other` belongs to the slot that is not primary (AOSP fastboot, `--slot-other`). */
function targetOf(base: string): { readonly name: string; readonly slot: Slot | undefined } | undefined {
  const other = /^(.+)_other$/.exec(base)?.[1]
  const { base: name, slot } = other === undefined ? splitSlot(base) : { base: other, slot: 'b' as const }
  try {
    return { name: partitionName(name), slot }
  } catch {
    return undefined
  }
}

function refuseDoubles(images: readonly SetImage[]): void {
  const seen = new Map<string, string>()
  for (const { name, slot, file } of images) {
    const key = `${name} ${slot ?? ''}`
    const earlier = seen.get(key)
    if (earlier !== undefined)
      throw new SlotbenchError('package-unsafe', `${earlier} and ${file.name} are for the same partition`)
    seen.set(key, file.name)
  }
}
