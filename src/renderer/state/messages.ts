// What went wrong with something that was asked for, until somebody has read it.
import { create } from 'zustand'
import type { Notice } from '../../shared/contract.ts'

export interface Message {
  readonly id: number
  readonly notice: Notice
}

export const useMessages = create<{ readonly messages: readonly Message[] }>(() => ({ messages: [] }))

const MOST = 4
let count = 0

export function say(notice: Notice): void {
  const message = { id: ++count, notice }
  useMessages.setState(({ messages }) => ({
    messages: [...messages.filter(({ notice: { detail } }) => detail !== notice.detail), message].slice(
      -MOST,
    ),
  }))
}

export function dismiss(id: number): void {
  useMessages.setState(({ messages }) => ({ messages: messages.filter((message) => message.id !== id) }))
}
