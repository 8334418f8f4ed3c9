// What terminals and packages call themselves goes to screens, reports and file names: it must stay text.

/** Control characters of both sets but tab and newline, and the marks that turn the direction of writing (Unicode TR 9). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
const NOT_TEXT = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** `text` without anything that could steer a terminal window or turn a line around. */
export function plainText(text: string): string {
  return text.replace(NOT_TEXT, '')
}
