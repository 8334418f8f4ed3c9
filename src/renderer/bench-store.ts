// The read model of the bench: what the host last said, and nothing the page made up itself.
import { create } from 'zustand'
import type { BenchView, SlotbenchApi } from '../shared/contract.ts'

/** Undefined until the host has spoken: "nothing attached" must not be shown before it is known. */
export interface BenchState {
  readonly view: BenchView | undefined
}

export const useBench = create<BenchState>(() => ({ view: undefined }))

/** @returns the way to stop. */
export function followBays(api: SlotbenchApi): () => void {
  return api.bays.subscribe((view) => useBench.setState({ view }))
}
