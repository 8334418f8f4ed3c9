// What an EDL package is for: it has no field for that, so every name in and around it is gathered with where it was found.
import type { EdlPackageInfo } from '../../../shared/rom.ts'
import { productCodes } from '../identity/product-codes.ts'
import { baseOf } from './edl-layout.ts'

type Names = EdlPackageInfo['names']

/** The build says it of itself, inside signed data; all other names are those that somebody gave to a file. */
export const BUILD_NAME = 'build fingerprint'

/** @param build a fingerprint, `brand/product/device:release/…`. */
export function edlNames(o: {
  readonly path: string
  readonly root: string
  readonly given: readonly { readonly value: string; readonly source: string }[]
  readonly loaders: readonly string[]
  readonly build: string | undefined
}): Names {
  const [, product, device] = /^[^/]+\/([^/]+)\/([^/:]+):/.exec(o.build ?? '') ?? []
  const package_ = baseOf(o.path.replaceAll('\\', '/').replace(/\/+$/, '')).replace(/\.zip$/i, '')
  const told = [
    ...[product, device].map((value) => ({ value, source: BUILD_NAME })),
    ...o.given,
    { value: package_, source: 'name of the package' },
    ...o.root
      .split('/')
      .filter((folder) => folder !== '')
      .map((value) => ({ value, source: 'name of a folder in it' })),
    ...o.loaders.map((value) => ({ value: baseOf(value), source: 'name of its programmer' })),
  ]
  return [
    ...new Map(
      told.flatMap(({ value, source }) =>
        productCodes(value ?? '').map(
          (code) => [`${code.toLowerCase()} ${source}`, { value: code, source }] as const,
        ),
      ),
    ).values(),
  ]
}

/** The names that count: the build's own where it has any, else what somebody wrote on the package. */
export function modelsOf(names: Names): string[] {
  const own = names.filter(({ source }) => source === BUILD_NAME)
  return [...new Set((own.length > 0 ? own : names).map(({ value }) => value))]
}
