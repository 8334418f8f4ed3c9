// Where in the interface somebody is. It stands in the address, so that a reload comes back to it.
import { create } from 'zustand'

export const SCREENS = ['bays', 'bay', 'session', 'packages', 'history', 'guides', 'settings'] as const
export type Screen = (typeof SCREENS)[number]

export interface Place {
  readonly screen: Screen
  /** A bay, a job or a guide, as the screen has it. */
  readonly item: string | undefined
}

export const usePlace = create<Place>(() => placeIn(window.location.hash))

export function placeIn(hash: string): Place {
  const [, name, ...rest] = hash.replace(/^#/, '').split('/')
  const screen = SCREENS.find((known) => known === name) ?? 'bays'
  return { screen, item: rest.length === 0 ? undefined : decode(rest.join('/')) }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

export function go(screen: Screen, item?: string): void {
  window.location.hash = `#/${screen}${item === undefined ? '' : `/${encodeURIComponent(item)}`}`
}

window.addEventListener('hashchange', () => usePlace.setState(placeIn(window.location.hash)))
