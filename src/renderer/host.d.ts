// What the host puts into the page before any of its scripts run.
import type { SlotbenchApi } from '../shared/contract.ts'

declare global {
  interface Window {
    readonly slotbench: SlotbenchApi
  }
}
