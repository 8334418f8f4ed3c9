// The chip's own serial number, from the product string that a Qualcomm boot ROM shows in EDL (zte-domain §2.1; qdl README).

const SERIAL = /(?:^|_)SN:([0-9a-f]{8})(?![0-9a-f])/i

/** `QUSB_BULK_CID:0412_SN:1A2B3C4D` → `1a2b3c4d`. Undefined where the string has none; not every generation puts it there.
 * A serial of zeros or of ones is a place that was never filled in, and tells no two chips apart. */
export function chipSerialOf(product: string | undefined): string | undefined {
  const serial = SERIAL.exec(product ?? '')?.[1]?.toLowerCase()
  return serial === undefined || /^(0{8}|f{8})$/.test(serial) ? undefined : serial
}
