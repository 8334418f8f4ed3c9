// Which of the loaders at hand a terminal will start, decided before any of them is sent: a wrong one leaves it mute until its power is cut
// (zte-domain §4.1 e).
import { SlotbenchError } from '../../../shared/errors.ts'
import { type LoaderImage, loaderFits, readLoader } from '../../core/formats/loader-image.ts'
import type { ByteSource } from '../../core/source.ts'
import { type ChipIdentity, identityWords } from '../../protocols/sahara/sahara.ts'

/** The first one that is signed for this terminal; else the first one of which that cannot be told, because the terminal itself tells for
 * certain.
 * @throws SlotbenchError `loader-missing` when there is none, `loader-mismatch` with why each of them does not fit, `loader-invalid` when
 * all that is there is damaged. */
export async function chooseLoader(
  loaders: readonly ByteSource[],
  identity: ChipIdentity,
  signal: AbortSignal,
): Promise<ByteSource> {
  if (loaders.length === 0)
    throw new SlotbenchError(
      'loader-missing',
      `no loader was given for this terminal (${identityWords(identity)})`,
    )
  const misfits: string[] = []
  let uncertain: ByteSource | undefined
  let damaged: SlotbenchError | undefined
  for (const source of loaders) {
    const image = await read(source, signal)
    if (image instanceof SlotbenchError) {
      damaged ??= image
      continue
    }
    const { kind, why } = loaderFits(image, identity)
    if (kind === 'fits') return source
    if (kind === 'unknown') uncertain ??= source
    else misfits.push(`${source.name}: ${why}`)
  }
  if (uncertain !== undefined) return uncertain
  if (misfits.length === 0 && damaged !== undefined) throw damaged
  throw new SlotbenchError('loader-mismatch', `${misfits.join('; ')} (${identityWords(identity)})`)
}

async function read(source: ByteSource, signal: AbortSignal): Promise<LoaderImage | SlotbenchError> {
  try {
    return await readLoader(source, signal)
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'loader-invalid') return thrown
    throw thrown
  }
}
