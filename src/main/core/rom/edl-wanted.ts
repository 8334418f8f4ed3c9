// What the XML files of an EDL package ask for, checked against each other and against the files that are there.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { EdlPackageInfo } from '../../../shared/rom.ts'
import { type PatchEntry, parsePatchProgram } from '../formats/patch-program.ts'
import { type ProgramEntry, parseRawprogram, type RawprogramEntry } from '../formats/rawprogram.ts'
import { isTableEntry } from './edl-images.ts'
import { type EdlLayout, type EdlVariant, findFile } from './edl-layout.ts'
import { type FileSet, readText, type SetFile } from './file-set.ts'

export interface Wanted {
  readonly programs: readonly WantedFile[]
  readonly patches: readonly PatchEntry[]
  readonly others: EdlPackageInfo['skipped']
  readonly sectorSize: 512 | 4096
  readonly luns: readonly number[]
  readonly notes: readonly string[]
}

export interface WantedFile {
  readonly entry: ProgramEntry
  readonly file: SetFile
}

/** @throws SlotbenchError `rawprogram-invalid`; `package-incomplete` naming all files that are missing. */
export async function readWanted(
  files: FileSet,
  layout: EdlLayout,
  variant: EdlVariant,
  signal: AbortSignal,
): Promise<Wanted> {
  const missing: string[] = []
  const text = async (path: string) => {
    const bytes = await readText(files, path, signal)
    if (bytes === undefined) missing.push(path)
    return bytes
  }
  const programs: WantedFile[] = []
  const entries: RawprogramEntry[] = []
  const notes: string[] = []
  for (const rawprogram of variant.rawprograms) {
    const bytes = await text(rawprogram)
    if (bytes === undefined) continue
    const parsed = parseRawprogram(bytes, rawprogram)
    notes.push(...parsed.notes)
    entries.push(...parsed.entries)
    for (const entry of parsed.entries) {
      if (entry.kind !== 'program' || entry.file === undefined) continue
      const file = findFile(files, entry.file, { root: layout.root, rawprogram, variant })
      if (file === undefined) missing.push(entry.file)
      else programs.push({ entry, file })
    }
  }
  const patches: PatchEntry[] = []
  for (const path of variant.patches) {
    const bytes = await text(path)
    if (bytes !== undefined) patches.push(...parsePatchProgram(bytes, path).entries)
  }
  if (missing.length > 0)
    throw new SlotbenchError('package-incomplete', `the package lacks ${[...new Set(missing)].join(', ')}`)
  if (programs.length === 0) throw new SlotbenchError('package-incomplete', 'the package programs no file')
  const sectorSize = sectorSizeOf([...entries, ...patches])
  const luns = [...new Set(entries.map(({ lun }) => lun))].toSorted((a, b) => a - b)
  const others = entries.flatMap(({ kind, lun, start, sectors }) =>
    kind === 'program' ? [] : { kind, lun, start: start.text, sectors },
  )
  return { programs, patches, others, sectorSize, luns, notes: [...notes, ...skippedNotes(others)] }
}

function sectorSizeOf(entries: readonly { readonly sectorSize: 512 | 4096; readonly place: string }[]) {
  const [first] = entries
  const other = entries.find(({ sectorSize }) => sectorSize !== first?.sectorSize)
  if (first === undefined) throw new SlotbenchError('package-incomplete', 'the package programs nothing')
  if (other !== undefined)
    throw new SlotbenchError(
      'rawprogram-invalid',
      `${other.place}: sectors of ${other.sectorSize} bytes, where ${first.place} has ${first.sectorSize}`,
    )
  return first.sectorSize
}

function skippedNotes(others: EdlPackageInfo['skipped']): string[] {
  return [...Map.groupBy(others, ({ kind }) => kind)].map(
    ([kind, group]) =>
      `The package also asks for ${group.length} times “${kind}” (LUN ${[...new Set(group.map(({ lun }) => lun))].join(', ')}), which Slotbench does not do.`,
  )
}

/** A patch of the disk belongs into a partition table. One that would change an image after it was verified is refused, one for
 * sectors that nothing here writes is left out. */
export function strayPatches(wanted: Wanted, sizeOf: (entry: ProgramEntry) => number): string[] {
  const stray = wanted.patches.filter((patch) => {
    if (patch.file !== undefined) return false
    const under = wanted.programs.find(
      ({ entry }) =>
        entry.lun === patch.lun &&
        entry.start.fromDisk === patch.start.fromDisk &&
        entry.start.plus <= patch.start.plus &&
        patch.start.plus < entry.start.plus + sizeOf(entry),
    )
    if (under !== undefined && !isTableEntry(under.entry))
      throw new SlotbenchError(
        'rawprogram-invalid',
        `${patch.place}: it would change ${under.entry.label} after it is written`,
      )
    return under === undefined
  })
  const luns = [...new Set(stray.map(({ lun }) => lun))]
  if (luns.length === 0) return []
  return [
    `${stray.length} patches (LUN ${luns.join(', ')}) are for sectors that the package does not write; they are left out.`,
  ]
}
