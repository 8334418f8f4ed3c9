// What (k) and its station say to each other.
export const BAYS = 24

/** What it is told. `lines`: so many log lines, for each bay in turn. */
export type StationOrder =
  | { readonly do: 'flash' }
  | { readonly do: 'rest' }
  | { readonly do: 'log'; readonly lines: number }
  | { readonly do: 'end' }
/** What it says: once at the start, then in answer to each order. */
export type StationWord =
  | { readonly url: string }
  | { readonly done: 'flash' | 'rest' | 'log'; readonly jobs: number; readonly failed: number }
