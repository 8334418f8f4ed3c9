// Which files of an EDL package belong to which of its variants (storage, flavour), and where a file that it names lies.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Contents, type ContentsFile, parseContents } from '../formats/contents-xml.ts'
import { type FlashmapLayout, parseFlashmap } from '../formats/flashmap.ts'
import { type FileSet, readText, type SetFile } from './file-set.ts'

/** `rawprogram0.xml`, `rawprogram_unsparse0.xml`, `rawprogram.xml`; not what only wipes or blanks (`rawprogram0_BLANK_GPT.xml`). */
const RAWPROGRAM = /^rawprogram(_unsparse)?_?(\d*)\.xml$/i
const PATCH = /^patch_?(\d*)\.xml$/i
const LOADER = /^(prog_|prog-|xbl_s_devprg|devprg).*\.(elf|mbn|melf|bin)$/i
const CONTENTS = 'contents.xml'
const FLASHMAP = 'flashmap.json'
/** Packages lie in a folder of their own inside the archive, and their images sometimes in one more. */
const MAX_NESTED = 2

/** One way to flash the package. */
export interface EdlVariant {
  /** What a technician would call it; empty when there is just one. */
  readonly name: string
  readonly memory: string | undefined
  /** Paths, in their order. */
  readonly rawprograms: readonly string[]
  readonly patches: readonly string[]
  readonly loaders: readonly string[]
  /** Where contents.xml says that files lie, by base name. */
  readonly known: ReadonlyMap<string, string>
}

export interface EdlLayout {
  /** Empty, or a path that ends with `/`: what all of it lies in. */
  readonly root: string
  readonly variants: readonly EdlVariant[]
  /** Names that the package gives itself. */
  readonly names: readonly { readonly value: string; readonly source: string }[]
  readonly notes: readonly string[]
}

/** Whether a package that holds these files is one for EDL. */
export function isEdlPackage(paths: Iterable<string>): boolean {
  for (const path of paths) if (RAWPROGRAM.test(baseOf(path))) return true
  return false
}

/** @param files all of the package, by their paths.
 * @throws SlotbenchError `rawprogram-invalid`, or `package-incomplete` when nothing says what is to be programmed. */
export async function readLayout(files: FileSet, signal: AbortSignal): Promise<EdlLayout> {
  const folders = rootFolders([...files.keys()])
  const [root] = folders
  if (root === undefined)
    throw new SlotbenchError('package-incomplete', 'the package has no rawprogram*.xml near its top')
  const contents = await readText(files, root + CONTENTS, signal)
  if (contents !== undefined) {
    const layout = fromContents(parseContents(contents, root + CONTENTS), root, files)
    if (layout.variants.length > 0) return layout
  }
  const flashmap = await readText(files, root + FLASHMAP, signal)
  if (flashmap !== undefined) return fromFlashmap(parseFlashmap(flashmap, root + FLASHMAP), root)
  return fromFolders(folders, files)
}

/** @param wanted what the technician named.
 * @throws SlotbenchError `package-variant` naming them all. */
export function chooseVariant(layout: EdlLayout, wanted: string | undefined): EdlVariant {
  const { variants } = layout
  const names = variants.map(({ name }) => name).join(', ')
  if (wanted === undefined) {
    const [only, ...others] = variants
    if (only !== undefined && others.length === 0) return only
    throw new SlotbenchError('package-variant', `the package holds ${variants.length} variants: ${names}`)
  }
  const exact = variants.filter(({ name }) => name === wanted)
  const found = exact.length > 0 ? exact : variants.filter(({ name }) => name.split('/').includes(wanted))
  const [one, ...more] = found
  if (one !== undefined && more.length === 0) return one
  throw new SlotbenchError(
    'package-variant',
    `${found.length === 0 ? 'no variant' : 'more than one variant'} of the package is named ${wanted}; it holds: ${names || 'one without a name'}`,
  )
}

/** The file that a rawprogram names: where contents.xml says, beside the rawprogram, or at the top of the package. Names differ in case
 * where a package was made on Windows. */
export function findFile(
  files: FileSet,
  name: string,
  from: { readonly root: string; readonly rawprogram: string; readonly variant: EdlVariant },
): SetFile | undefined {
  const known = from.variant.known.get(baseOf(name).toLowerCase())
  const candidates = [
    ...(known === undefined ? [] : [known]),
    folderOf(from.rawprogram) + name,
    from.root + name,
  ]
  for (const path of candidates) {
    const file = files.get(path)
    if (file !== undefined) return file
  }
  for (const path of candidates) {
    const alike = [...files.values()].filter((file) => file.name.toLowerCase() === path.toLowerCase())
    if (alike.length === 1) return alike[0]
  }
  return undefined
}

/** Folders that hold rawprograms or say where they are, nearest to the top. */
function rootFolders(paths: readonly string[]): readonly string[] {
  const depth = (folder: string) => folder.split('/').length - 1
  const isMarker = (base: string) => RAWPROGRAM.test(base) || base === CONTENTS || base === FLASHMAP
  const folders = [...new Set(paths.filter((path) => isMarker(baseOf(path))).map(folderOf))]
  for (let level = 0; level <= MAX_NESTED; level++) {
    const here = folders.filter((folder) => depth(folder) === level).toSorted()
    if (here.length > 0) return here
  }
  return []
}

function fromContents(contents: Contents, root: string, files: FileSet): EdlLayout {
  const described = contents.files.filter(({ kind }) => kind === 'program' || kind === 'patch')
  const there = described.filter(({ path }) => files.has(root + path))
  const selectors = new Map<string, Pick<ContentsFile, 'storage' | 'flavour'>>()
  for (const { storage, flavour } of there) {
    const flavoured = there.some((other) => other.storage === storage && other.flavour !== undefined)
    // What names no flavour belongs to each that is named.
    if (flavour === undefined && flavoured) continue
    selectors.set(nameOf([storage, flavour]), { storage, flavour })
  }
  const variants = [...selectors].map(([name, selector]) => {
    const mine = contents.files.filter(
      ({ storage, flavour }) =>
        (storage === undefined || storage === selector.storage) &&
        (flavour === undefined || flavour === selector.flavour),
    )
    const paths = (kind: ContentsFile['kind']) =>
      mine.filter((file) => file.kind === kind).map(({ path }) => root + path)
    return {
      name,
      memory: selector.storage,
      rawprograms: paths('program').filter((path) => files.has(path)),
      patches: paths('patch').filter((path) => files.has(path)),
      loaders: paths('programmer').filter((path) => files.has(path)),
      known: new Map(paths('download').map((path) => [baseOf(path).toLowerCase(), path])),
    }
  })
  const absent = described.filter(({ path }) => !files.has(root + path)).map(({ path }) => path)
  return {
    root,
    variants: variants.filter(({ rawprograms }) => rawprograms.length > 0),
    names: contents.names.map((value) => ({ value, source: `product name in ${CONTENTS}` })),
    notes: absent.length === 0 ? [] : [`${CONTENTS} names files that are not there: ${absent.join(', ')}.`],
  }
}

function fromFlashmap(layouts: readonly FlashmapLayout[], root: string): EdlLayout {
  return {
    root,
    variants: layouts.map(({ product, name, memory, files, programmers }) => ({
      name: layouts.length === 1 ? '' : nameOf([product, name, memory]),
      memory,
      rawprograms: files.filter((file) => !PATCH.test(baseOf(file))).map((file) => root + file),
      patches: files.filter((file) => PATCH.test(baseOf(file))).map((file) => root + file),
      loaders: programmers.map((file) => root + file),
      known: new Map<string, string>(),
    })),
    names: [...new Set(layouts.map(({ product }) => product))].map((value) => ({
      value,
      source: `product in ${FLASHMAP}`,
    })),
    notes: [],
  }
}

function fromFolders(folders: readonly string[], files: FileSet): EdlLayout {
  const paths = [...files.keys()]
  const notes: string[] = []
  const variants = folders
    .map((folder) => {
      const inside = paths.filter((path) => folderOf(path) === folder)
      return {
        name: folders.length === 1 ? '' : baseOf(folder.slice(0, -1)),
        memory: undefined,
        rawprograms: rawprogramsOf(inside, notes),
        patches: sorted(inside, PATCH, 1),
        loaders: [],
        known: new Map<string, string>(),
      }
    })
    .filter(({ rawprograms }) => rawprograms.length > 0)
  const [only] = folders
  return { root: folders.length === 1 ? (only ?? '') : '', variants, names: [], notes }
}

/** An unsparsed rawprogram holds everything that the plain one of its LUN does, with its sparse images cut into raw pieces. */
function rawprogramsOf(paths: readonly string[], notes: string[]): readonly string[] {
  const all = sorted(paths, RAWPROGRAM, 2)
  const unsparsed = (path: string) => RAWPROGRAM.exec(baseOf(path))?.[1] !== undefined
  const number = (path: string) => RAWPROGRAM.exec(baseOf(path))?.[2]
  const used = all.filter(
    (path) => unsparsed(path) || !all.some((other) => unsparsed(other) && number(other) === number(path)),
  )
  for (const path of all.filter((one) => !used.includes(one)))
    notes.push(`${path} is not used: its unsparsed version says the same.`)
  const others = paths.filter((path) => /^(rawprogram|patch).*\.xml$/i.test(baseOf(path)))
  for (const path of others)
    if (!RAWPROGRAM.test(baseOf(path)) && !PATCH.test(baseOf(path)))
      notes.push(`${path} lies in the package and is not used.`)
  return used
}

function sorted(paths: readonly string[], pattern: RegExp, group: number): readonly string[] {
  const number = (path: string) => Number(pattern.exec(baseOf(path))?.[group] ?? 0)
  return paths
    .filter((path) => pattern.test(baseOf(path)))
    .toSorted((a, b) => number(a) - number(b) || (a < b ? -1 : 1))
}

/** Firehose programmers by their names, besides those that the package lists. */
export function loaderPaths(files: FileSet, root: string): readonly string[] {
  return [...files.keys()].filter((path) => path.startsWith(root) && LOADER.test(baseOf(path)))
}

function nameOf(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('/')
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
