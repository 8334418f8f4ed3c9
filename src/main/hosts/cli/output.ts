// Where words go: results to stdout, progress and errors to stderr; with --json one document (or one event a line) on stdout.
import { styleText } from 'node:util'
import type { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'

type Style = Parameters<typeof styleText>[0]

export interface Output {
  readonly json: boolean
  /** True when progress may redraw its line. */
  readonly live: boolean
  /** A line for people; silent with --json. */
  line(text?: string): void
  /** A line that reports on work under way; silent with --json. */
  note(text: string): void
  /** A document or an event for programs; silent without --json. */
  data(value: unknown): void
  /** Draws over the last live line; nothing is left of it after `line` or `note`. */
  draw(text: string): void
  error(error: SlotbenchError): void
  style(style: Style, text: string): string
}

export interface Streams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

export function createOutput(json: boolean, streams: Streams = process): Output {
  const { stdout, stderr } = streams
  const live = !json && stderr.isTTY === true
  let drawn = false
  const clear = () => {
    if (drawn) stderr.write('\r\x1b[2K')
    drawn = false
  }
  return {
    json,
    live,
    line(text = '') {
      clear()
      if (!json) stdout.write(`${text}\n`)
    },
    note(text) {
      clear()
      if (!json) stderr.write(`${text}\n`)
    },
    data(value) {
      if (json) stdout.write(`${JSON.stringify(value)}\n`)
    },
    draw(text) {
      if (!live) return
      clear()
      const width = stderr.columns ?? 80
      stderr.write(text.length < width ? text : text.slice(0, width - 1))
      drawn = true
    },
    error(error) {
      clear()
      if (json) stdout.write(`${JSON.stringify({ error: errorData(error) })}\n`)
      else stderr.write(errorText(error, (style, text) => paint(stderr, style, text)))
    },
    style: (style, text) => paint(stdout, style, text),
  }
}

function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return styleText(style, text, { stream })
}

function errorData(error: SlotbenchError) {
  const { code, message, meaning, next, retry, context } = error
  return { code, message, meaning, next, retry, context }
}

function errorText(error: SlotbenchError, style: (style: Style, text: string) => string): string {
  const where = error.context.step === undefined ? '' : ` (in step ${error.context.step})`
  return `${style(['red', 'bold'], `${error.meaning}`)}\n  ${plainText(error.message)}${where} [${error.code}]\n  ${style('bold', 'What to do:')} ${error.next}\n`
}
