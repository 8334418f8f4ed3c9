// The list of what a zip archive holds, refused when a genuine package would never say such a thing.
import {
  type Entry,
  fromRandomAccessReaderPromise,
  getFileNameLowLevel,
  RandomAccessReader,
  type ZipFile,
} from 'yauzl'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'

export interface ZipMember {
  /** Path inside the archive, with `/`; folders end with one. */
  readonly name: string
  readonly method: 'stored' | 'deflated' | 'other'
  readonly compressedSize: number
  readonly size: number
  readonly crc32: number
  readonly headerOffset: number
  /** Where the next member begins, or the end of the archive: no byte of this one lies beyond. */
  readonly limit: number
}

/** Genuine packages hold some dozens of files. */
const MAX_MEMBERS = 65_536
const LOCAL_HEADER_SIZE = 30
const EOCD_SIZE = 22
const MAX_COMMENT = 65_535
const EOCD_SIGNATURE = Buffer.from('PK\x05\x06', 'latin1')
/** Deflate cannot do better than 258 bytes in 2 bits. */
const MAX_DEFLATE_RATIO = 1032
const UNIX = 3
const FILE_TYPE_MASK = 0xf000
const SYMBOLIC_LINK = 0xa000

/** Members in the order in which they lie in the archive.
 * @throws SlotbenchError `zip-invalid`, `package-unsafe` or `source-truncated`. */
export async function readDirectory(source: ByteSource, signal?: AbortSignal): Promise<readonly ZipMember[]> {
  await requireEnd(source, signal)
  const reader = new SourceReader(source, signal)
  try {
    // Names and sizes are checked here, so that each refusal has its own code.
    const options = { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: false }
    const zip = await fromRandomAccessReaderPromise(reader, source.size, options)
    return checkLayout(await listMembers(zip), source)
  } catch (error) {
    if (error instanceof SlotbenchError) throw error
    if (reader.failure !== undefined) throw reader.failure
    const detail = error instanceof Error ? error.message : String(error)
    throw new SlotbenchError('zip-invalid', `${source.name}: ${detail}`, { cause: error })
  }
}

/** A download that broke off lacks the end of the directory; that deserves its own words. */
async function requireEnd(source: ByteSource, signal: AbortSignal | undefined): Promise<void> {
  const length = Math.min(source.size, EOCD_SIZE + MAX_COMMENT)
  const tail = await source.read(source.size - length, length, signal)
  if (Buffer.from(tail.buffer).includes(EOCD_SIGNATURE)) return
  throw new SlotbenchError(
    'source-truncated',
    `${source.name} lacks the directory at the end of a zip archive`,
    {
      context: { file: source.name, offset: source.size },
    },
  )
}

async function listMembers(zip: ZipFile): Promise<readonly ZipMember[]> {
  const members: ZipMember[] = []
  const names = new Set<string>()
  for await (const entry of zip.eachEntry()) {
    const member = checkMember(entry)
    if (names.has(member.name)) throw unsafe(`two members are named ${member.name}`)
    if (members.length >= MAX_MEMBERS) throw unsafe(`the archive has more than ${MAX_MEMBERS} members`)
    names.add(member.name)
    members.push(member)
  }
  return members.sort((a, b) => a.headerOffset - b.headerOffset)
}

function checkMember(entry: Entry): ZipMember {
  const { generalPurposeBitFlag, extraFields } = entry
  const raw = Buffer.from(entry.fileNameRaw)
  const name = getFileNameLowLevel(generalPurposeBitFlag, raw, extraFields, true)
  checkName(name)
  if (entry.versionMadeBy >> 8 === UNIX && fileType(entry) === SYMBOLIC_LINK)
    throw unsafe(`member ${name} is a symbolic link`)
  if (entry.isEncrypted()) throw unsafe(`member ${name} is encrypted`)
  const method =
    entry.compressionMethod === 0 ? 'stored' : entry.compressionMethod === 8 ? 'deflated' : 'other'
  const { compressedSize, uncompressedSize: size, crc32, relativeOffsetOfLocalHeader: headerOffset } = entry
  if (method === 'stored' && compressedSize !== size)
    throw invalid(`member ${name} is stored, but its two sizes are ${compressedSize} and ${size}`)
  if (method === 'deflated' && size > compressedSize * MAX_DEFLATE_RATIO)
    throw unsafe(`member ${name} claims to expand ${compressedSize} bytes to ${size}`)
  return { name, method, compressedSize, size, crc32, headerOffset, limit: 0 }
}

function fileType(entry: Entry): number {
  return (entry.externalFileAttributes >>> 16) & FILE_TYPE_MASK
}

function checkName(name: string): void {
  const shown = JSON.stringify(name.slice(0, 200))
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/')
  if (/^[A-Za-z]:/.test(name) || name.startsWith('/')) throw unsafe(`member ${shown} has an absolute name`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\\\x00-\x1f\x7f]/.test(name))
    throw unsafe(`member ${shown} has a backslash or control character in its name`)
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw unsafe(`member ${shown} has a name that leads elsewhere`)
}

/** Two members on the same bytes are the trick of the densest zip bombs, and no packer makes them. */
function checkLayout(members: readonly ZipMember[], source: ByteSource): readonly ZipMember[] {
  return members.map((member, index) => {
    const limit = members[index + 1]?.headerOffset ?? source.size
    if (member.headerOffset + LOCAL_HEADER_SIZE + member.compressedSize > limit)
      throw invalid(`member ${member.name} overlaps what follows it in the archive`)
    return { ...member, limit }
  })
}

/** Lets yauzl read from a byte source, and keeps the source's own error, which yauzl would pass on as any other. */
class SourceReader extends RandomAccessReader {
  failure: SlotbenchError | undefined
  readonly #source: ByteSource
  readonly #signal: AbortSignal | undefined

  constructor(source: ByteSource, signal: AbortSignal | undefined) {
    super()
    this.#source = source
    this.#signal = signal
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#source.read(position, length, this.#signal).then(
      (bytes) => {
        buffer.set(bytes, offset)
        callback(null)
      },
      (error: unknown) => {
        if (error instanceof SlotbenchError) this.failure = error
        callback(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null)
  }
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('zip-invalid', detail)
}

function unsafe(detail: string): SlotbenchError {
  return new SlotbenchError('package-unsafe', detail)
}
