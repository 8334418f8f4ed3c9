// What the texts of the `usb` package mean. It rejects with texts only (zte-domain §7; nusb's error kinds and errno).
import { type ErrorCode, SlotbenchError } from '../../../shared/errors.ts'

interface Rule {
  readonly pattern: RegExp
  readonly code: ErrorCode
}

/** The first that fits. errno: 1 EPERM, 2 ENOENT, 13 EACCES, 16 EBUSY, 19 ENODEV, 108 ESHUTDOWN. */
const RULES: readonly Rule[] = [
  { pattern: /\/sys\/bus\/usb\S* (not found|permission denied)/i, code: 'usb-unavailable' },
  { pattern: /cancelled|timed? ?out/i, code: 'terminal-silent' },
  { pattern: /errno (1|13)\b|permission denied|access (is )?denied|not permitted/i, code: 'usb-permission' },
  // "cannot be borrowed": a transfer of ours is still under way on the same device (napi-rs).
  { pattern: /errno 16\b|\bbusy\b|already in use|in use by|cannot be borrowed/i, code: 'usb-busy' },
  {
    pattern: /errno (2|19|108)\b|disconnect|no such device|device not found|invalid state|was closed/i,
    code: 'terminal-gone',
  },
]

/** @param thrown whatever a call of the package rejected or threw with. */
export function classifyUsbError(thrown: unknown, bay?: string): SlotbenchError {
  if (thrown instanceof SlotbenchError) return thrown
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  const code = RULES.find((rule) => rule.pattern.test(text))?.code ?? 'usb-failed'
  return new SlotbenchError(code, text, { cause: thrown, ...(bay !== undefined && { context: { bay } }) })
}
