// What the workshop and its threads say to each other. Buffers travel by transfer, never by copy.

import type { ErrorCode } from '../../../shared/errors.ts'
import type { DigestResult, DigestSpec } from '../../core/formats/stream-digests.ts'
import type { Codec } from '../../core/workshop.ts'

export type Piece = Uint8Array<ArrayBuffer>

export interface DecodeSizes {
  readonly codec: Codec
  readonly inputBytes: number
  readonly outputBytes: number
  readonly orLess: boolean
  readonly inputSha256: string | undefined
}

export type Request =
  /** Decode all of `input` and answer once, with `decoded`. */
  | { readonly kind: 'decode'; readonly job: number; readonly sizes: DecodeSizes; readonly input: Piece }
  /** Decode a stream: input comes on `need`, output goes out against `credit`. */
  | { readonly kind: 'open'; readonly job: number; readonly sizes: DecodeSizes; readonly credit: number }
  | { readonly kind: 'input'; readonly job: number; readonly bytes: Piece | undefined }
  | { readonly kind: 'credit'; readonly job: number }
  /** Forget a decode stream or digests, whatever its state. */
  | { readonly kind: 'forget'; readonly job: number }
  /** Begin digests; then `update` and `fill` in order, and `digest` for what came of them. */
  | { readonly kind: 'begin'; readonly job: number; readonly specs: readonly DigestSpec[] }
  | { readonly kind: 'update'; readonly job: number; readonly bytes: Piece }
  | { readonly kind: 'fill'; readonly job: number; readonly word: number; readonly length: number }
  | { readonly kind: 'digest'; readonly job: number }

export type Reply =
  | { readonly kind: 'decoded'; readonly job: number; readonly pieces: readonly Piece[] }
  | { readonly kind: 'need'; readonly job: number }
  | { readonly kind: 'piece'; readonly job: number; readonly bytes: Piece }
  | { readonly kind: 'end'; readonly job: number }
  | { readonly kind: 'hashed'; readonly job: number; readonly bytes: Piece | undefined }
  | { readonly kind: 'digests'; readonly job: number; readonly results: readonly DigestResult[] }
  | { readonly kind: 'failed'; readonly job: number; readonly code: ErrorCode; readonly detail: string }
