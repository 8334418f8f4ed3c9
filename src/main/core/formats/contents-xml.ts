// contents.xml of a Qualcomm build: which of its files are for which storage and product flavour (qdl contents.c; zte-domain §3.1).
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'
import { unsafePath } from './program-attributes.ts'
import { parseXml, type XmlElement } from './xml-elements.ts'

export interface ContentsFile {
  /** `map`: a list of programmers for several boot stages. */
  readonly kind: 'program' | 'patch' | 'programmer' | 'map' | 'download'
  readonly storage: string | undefined
  readonly flavour: string | undefined
  /** Relative to the folder of contents.xml. */
  readonly path: string
}

export interface Contents {
  /** What it calls the product, and the builds it is made of. */
  readonly names: readonly string[]
  readonly flavours: readonly string[]
  readonly files: readonly ContentsFile[]
}

const KINDS: Readonly<Record<string, ContentsFile['kind']>> = {
  partition_file: 'program',
  partition_patch_file: 'patch',
  device_programmer: 'programmer',
  download_file: 'download',
  file_ref: 'download',
}

/** @throws SlotbenchError `rawprogram-invalid`, also for a path that leads out of the package. */
export function parseContents(bytes: Uint8Array, file: string): Contents {
  const root = parseXml(bytes, file)
  if (root.name !== 'contents') throw invalid(file, `its root element is ${root.name}, not contents`)
  const named = (parents: readonly XmlElement[], child: string) =>
    parents.flatMap((parent) => childrenOf(parent, child)).flatMap(({ text }) => (text === '' ? [] : [text]))
  return {
    names: named(childrenOf(root, 'product_info'), 'product_name').map(plainText),
    flavours: named(
      childrenOf(root, 'product_flavors').flatMap((list) => childrenOf(list, 'pf')),
      'name',
    ),
    files: childrenOf(root, 'builds_flat')
      .flatMap((builds) => childrenOf(builds, 'build'))
      .flatMap((build) => filesOf(build, file)),
  }
}

function filesOf(build: XmlElement, file: string): ContentsFile[] {
  const [root] = childrenOf(build, 'linux_root_path')
  return build.children.flatMap((entry): ContentsFile[] => {
    const kind = Object.hasOwn(KINDS, entry.name) ? KINDS[entry.name] : undefined
    if (kind === undefined || entry.attributes.get('ignore')?.toLowerCase() === 'true') return []
    const type = entry.attributes.get('firehose_type')
    // The small programmer of an earlier stage, which cannot flash.
    if (type === 'lite') return []
    const storage = entry.attributes.get('storage_type')?.toLowerCase()
    return childrenOf(entry, 'file_path').flatMap((folder) =>
      childrenOf(entry, 'file_name')
        .filter(({ text }) => text !== '' && !text.includes('*'))
        .map((name) => ({
          kind: type === 'true' ? 'map' : kind,
          storage,
          flavour: folder.attributes.get('flavor'),
          path: join([root?.text ?? '', folder.text, name.text], `${file}, element ${entry.number}`),
        })),
    )
  })
}

/** The parts as one path. `${variable:value}` stands for its value: what would set the variable is the maker’s build system. */
function join(parts: readonly string[], place: string): string {
  const path = parts
    .join('/')
    .replace(/\$\{[^{}:]*:([^{}]*)\}/g, '$1')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
  const first = parts.find((part) => part !== '') ?? ''
  const problem = first.startsWith('/') ? 'is absolute' : unsafePath(path)
  if (problem !== undefined) throw invalid(place, `the path ${JSON.stringify(path.slice(0, 200))} ${problem}`)
  return path
}

function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

function invalid(place: string, detail: string): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${place}: ${detail}`)
}
