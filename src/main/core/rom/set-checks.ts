// Checks of whole files of an image set against what their container or a digest file says of them.
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { byteSourceImage, readPieces } from '../formats/raw-image.ts'
import type { ByteSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import type { ContainerCheck } from './types.ts'
import { sha256OfImage } from './verify.ts'

export interface CheckedFile {
  readonly source: ByteSource
  readonly crc32: number | undefined
  readonly sha256: Sha256 | undefined
}

/** One pass per file: its SHA-256 where one was promised, otherwise the CRC-32 of the zip. */
export function fileChecks(files: readonly CheckedFile[], workshop: Workshop): readonly ContainerCheck[] {
  return files.flatMap((file) => {
    const { source } = file
    const common = { name: source.name, size: source.size }
    if (file.sha256 !== undefined)
      return [
        {
          ...common,
          run: (options: RunOptions) => checkSha256(source, file.sha256, { ...options, workshop }),
        },
      ]
    if (file.crc32 !== undefined)
      return [{ ...common, run: (options: RunOptions) => checkCrc32(source, file.crc32, options) }]
    return []
  })
}

type RunOptions = Parameters<ContainerCheck['run']>[0]

async function checkSha256(
  source: ByteSource,
  expected: string | undefined,
  options: RunOptions & { readonly workshop: Workshop },
): Promise<void> {
  const actual = await sha256OfImage(byteSourceImage(source), options)
  if (actual !== expected) throw mismatch(source, 'SHA-256', actual)
}

async function checkCrc32(
  source: ByteSource,
  expected: number | undefined,
  options: RunOptions,
): Promise<void> {
  let actual = 0
  for await (const piece of readPieces(source, { start: 0, length: source.size, signal: options.signal })) {
    actual = crc32(piece.bytes, actual)
    options.onBytes(piece.bytes.length)
  }
  if (actual !== expected) throw mismatch(source, 'CRC-32', actual.toString(16))
}

function mismatch(source: ByteSource, what: string, actual: string): SlotbenchError {
  return new SlotbenchError(
    'digest-mismatch',
    `${source.name} has ${what} ${actual}, the package promises another`,
  )
}
