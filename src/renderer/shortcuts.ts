// The keyboard: 1–9 a bay, space start, R retry, L log, / search, Escape back. Never while somebody types.
import { useEffect } from 'react'
import { jobOn, order, placeOf, useBench } from './state/bench.ts'
import { go, usePlace } from './state/place.ts'

/** Elements listen for these on `window`: the screen that is shown decides what they do. */
export type ScreenKey = 'log' | 'search' | 'start'

export function useShortcuts(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
        return
      if (act(event.key, event.target)) event.preventDefault()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
}

/** Calls back when its key is pressed, while the component is shown. */
export function useScreenKey(key: ScreenKey, action: () => void): void {
  useEffect(() => {
    const name = `slotbench-${key}`
    window.addEventListener(name, action)
    return () => window.removeEventListener(name, action)
  }, [key, action])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable || ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName) || inDialog(target)
  )
}

function inDialog(target: HTMLElement): boolean {
  return target.closest('dialog, [role="menu"]') !== null
}

/** Whether the key meant something. */
function act(key: string, target: EventTarget | null): boolean {
  const { screen, item } = usePlace.getState()
  const { bench } = useBench.getState()
  if (/^[1-9]$/.test(key)) return openBay(Number(key))
  if (key === 'Escape' && screen !== 'bays') {
    go('bays')
    return true
  }
  if (key === '/') return tell('search')
  if (key === 'l' || key === 'L') return tell('log')
  // On a button, space presses that button.
  const free = !(target instanceof HTMLElement) || target.closest('button, a, summary, [role]') === null
  if (key === ' ' && free) return tell('start')
  if ((key === 'r' || key === 'R') && screen === 'bay' && item !== undefined) {
    const job = jobOn(
      bench,
      bench?.bays.find(({ bay }) => bay === item),
    )
    if (job !== undefined && !job.acknowledged) void order('job.resume', { job: job.id })
    else if (placeOf(bench, item) !== undefined) void order('session.recheck', { bay: item })
    return true
  }
  return false
}

function openBay(number: number): boolean {
  const bay = useBench.getState().bench?.bays[number - 1]
  if (bay !== undefined) go('bay', bay.bay)
  return bay !== undefined
}

function tell(key: ScreenKey): boolean {
  return window.dispatchEvent(new Event(`slotbench-${key}`))
}
