// What is attached, as the contract shows it: plain data without the means to open anything.
import type { BenchView, KnownIdentity, Notice, SightingView } from '../../shared/contract.ts'
import type { SlotbenchError } from '../../shared/errors.ts'
import type { Discovery, Sighting } from '../terminals/types.ts'

/** @param recall what the bench remembers of what stands there.
 * Bays in the order of their ids, so that a list does not jump when a terminal re-enumerates. */
export function benchView(
  discovery: Pick<Discovery, 'sightings' | 'notices'>,
  recall: (sighting: Sighting) => KnownIdentity | undefined = () => undefined,
): BenchView {
  const inOrder = [...discovery.sightings()].sort((a, b) => byNumbersToo.compare(a.bay, b.bay))
  return { bays: inOrder.map((s) => sightingView(s, recall(s))), notices: discovery.notices.map(noticeOf) }
}

/** `usb:1-10` after `usb:1-2`. */
const byNumbersToo = new Intl.Collator('en', { numeric: true })

export function sightingView(sighting: Sighting, known: KnownIdentity | undefined): SightingView {
  const { bay, mode, protocol, serial, product, personality, usb, problem } = sighting
  return {
    bay,
    mode,
    ...(protocol !== undefined && { protocol }),
    ...(personality && { personality: { name: personality.name, explanation: personality.explanation } }),
    ...(known && { known }),
    ...(serial !== undefined && { serial }),
    ...(product !== undefined && { product }),
    ...(usb && {
      link: {
        vendorId: usb.vendorId,
        productId: usb.productId,
        ...(usb.speed !== undefined && { speed: usb.speed }),
      },
    }),
    ...(problem && { problem: noticeOf(problem) }),
  }
}

export function noticeOf(error: SlotbenchError): Notice {
  return { code: error.code, detail: error.message, meaning: error.meaning, next: error.next }
}
