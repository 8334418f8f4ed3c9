// The table of personalities applied to the `usb` package's devices.
import type { Recognised } from '../../../shared/recognised.ts'
import { recogniseUsb } from '../../core/identity/recognise-usb.ts'
import type { UsbInterfaceInfo } from './backend.ts'

export interface UsbIds {
  readonly vendorId: number
  readonly productId: number
}

/** @param interfaces undefined when they could not be read.
 * @returns undefined for what is no terminal (hubs, keyboards). */
export function personalityOf(
  { vendorId, productId }: UsbIds,
  interfaces: readonly UsbInterfaceInfo[] | undefined,
): Recognised | undefined {
  const classes = interfaces?.flatMap(({ alternates }) => alternates)
  return recogniseUsb({ vendorId, productId, interfaces: classes })
}
