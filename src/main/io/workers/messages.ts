// What the workshop and its threads say to each other. Buffers travel by transfer, never by copy.

import type { ErrorCode } from '../../../shared/errors.ts'
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
  /** Forget a decode stream or a hash, whatever its state. */
  | { readonly kind: 'forget'; readonly job: number }
  | { readonly kind: 'update'; readonly job: number; readonly bytes: Piece }
  | { readonly kind: 'fill'; readonly job: number; readonly word: number; readonly length: number }
  | { readonly kind: 'digest'; readonly job: number }

export type Reply =
  | { readonly kind: 'decoded'; readonly job: number; readonly pieces: readonly Piece[] }
  | { readonly kind: 'need'; readonly job: number }
  | { readonly kind: 'piece'; readonly job: number; readonly bytes: Piece }
  | { readonly kind: 'end'; readonly job: number }
  | { readonly kind: 'hashed'; readonly job: number; readonly bytes: Piece | undefined }
  | { readonly kind: 'digest'; readonly job: number; readonly sha256: string }
  | { readonly kind: 'failed'; readonly job: number; readonly code: ErrorCode; readonly detail: string }
