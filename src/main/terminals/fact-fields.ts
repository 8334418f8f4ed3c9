// How facts are put together, whatever the mode they were read in.
import type { Fact } from '../../shared/terminal.ts'

export type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the fields that are undefined: a fact that is missing has no field. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>
}

export function fromDescriptor(value: string | undefined): Fact<string> | undefined {
  return value === undefined ? undefined : { value, source: 'USB descriptor' }
}
