// Asks for a supervisor where the bench wants one: whoever waits learns whether one came.
import { create } from 'zustand'

interface Unlocking {
  /** Those who wait; undefined while nobody is asked. */
  readonly waiting: readonly ((came: boolean) => void)[] | undefined
}

export const useUnlocking = create<Unlocking>(() => ({ waiting: undefined }))

/** Opens the dialog for the PIN. @returns whether this window is the supervisor's now. */
export function askForSupervisor(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  useUnlocking.setState(({ waiting }) => ({ waiting: [...(waiting ?? []), resolve] }))
  return promise
}

export function answerThoseWhoWait(came: boolean): void {
  const { waiting } = useUnlocking.getState()
  useUnlocking.setState({ waiting: undefined })
  for (const tell of waiting ?? []) tell(came)
}
