// One error family: nobody parses a message. The code decides; the catalogue says what it means and what to do.
import { CATALOGUE, type ErrorCode, type Retry } from './error-catalogue.ts'

export type { ErrorCode, Retry } from './error-catalogue.ts'

/** Where it happened, as far as it is known. */
export interface ErrorContext {
  readonly terminal?: string
  readonly bay?: string
  readonly step?: string
  readonly file?: string
  readonly offset?: number
}

export class SlotbenchError extends Error {
  override readonly name = 'SlotbenchError'
  readonly code: ErrorCode
  readonly context: ErrorContext

  /** @param detail what happened here, in one sentence; the general meaning and the next action come from the catalogue. */
  constructor(
    code: ErrorCode,
    detail: string,
    options: { readonly context?: ErrorContext; readonly cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.context = options.context ?? {}
  }

  get retry(): Retry {
    return CATALOGUE[this.code].retry
  }

  get meaning(): string {
    return CATALOGUE[this.code].meaning
  }

  get next(): string {
    return CATALOGUE[this.code].next
  }

  get exitCode(): number {
    return CATALOGUE[this.code].exit
  }

  get i18nKey(): string {
    return `error.${this.code}`
  }

  /** The same error with more of its place known; what was known before stays. */
  at(context: ErrorContext): SlotbenchError {
    return new SlotbenchError(this.code, this.message, {
      context: { ...context, ...this.context },
      cause: this.cause,
    })
  }
}

/** Whatever was thrown, as one of ours. */
export function asSlotbenchError(thrown: unknown, fallback: ErrorCode = 'internal'): SlotbenchError {
  if (thrown instanceof SlotbenchError) return thrown
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return new SlotbenchError(fallback, detail, { cause: thrown })
}

/** The error that an aborted signal stands for. */
export function abortError(signal: AbortSignal): SlotbenchError {
  const reason: unknown = signal.reason
  return reason instanceof SlotbenchError
    ? reason
    : new SlotbenchError('cancelled', 'the work was cancelled', { cause: reason })
}
