// The part of the `usb` package (3.x) that Slotbench uses, with the arguments its type declarations leave out.
// The simulator implements the same interface, so the adapter above it is exercised by simulated terminals too.

export interface UsbEndpointInfo {
  readonly endpointNumber: number
  readonly direction: 'in' | 'out'
  readonly type: 'bulk' | 'interrupt' | 'isochronous' | 'control'
  readonly packetSize: number
}

export interface UsbAlternateInfo {
  readonly alternateSetting: number
  readonly interfaceClass: number
  readonly interfaceSubclass: number
  readonly interfaceProtocol: number
  readonly endpoints: readonly UsbEndpointInfo[]
}

export interface UsbInterfaceInfo {
  readonly interfaceNumber: number
  readonly alternates: readonly UsbAlternateInfo[]
}

export interface UsbConfigurationInfo {
  readonly configurationValue: number
  readonly interfaces: readonly UsbInterfaceInfo[]
}

export interface UsbDeviceLike {
  readonly vendorId: number
  readonly productId: number
  readonly bus: string
  readonly address: number
  readonly ports: readonly number[]
  readonly speed?: 'low' | 'full' | 'high' | 'super' | 'superPlus' | undefined
  /** Opaque id; a disconnect event carries a device with the same one. */
  readonly handle: string
  /** These getters may open the device and throw (no permission, no driver). */
  readonly serialNumber?: string | null | undefined
  readonly productName?: string | null | undefined
  readonly configuration?: UsbConfigurationInfo | null | undefined
  readonly opened: boolean
  open(): Promise<void>
  close(): Promise<void>
  claimInterface(interfaceNumber: number): Promise<void>
  releaseInterface(interfaceNumber: number): Promise<void>
  detachKernelDriver(interfaceNumber: number): Promise<void>
  /** `timeout` in ms; without it the package cancels after 1000 ms and drops what had arrived. Surplus over `length` is lost. */
  transferIn(
    endpoint: number,
    length: number,
    timeout: number,
  ): Promise<{ readonly data?: DataView | undefined; readonly status?: string | undefined }>
  transferOut(
    endpoint: number,
    data: Uint8Array<ArrayBuffer>,
    timeout: number,
  ): Promise<{ readonly bytesWritten: number; readonly status?: string | undefined }>
}

export interface UsbConnectionEventLike {
  readonly device: UsbDeviceLike
}

export interface UsbBackend {
  getDevices(): Promise<readonly UsbDeviceLike[]>
  addEventListener(type: 'connect' | 'disconnect', listener: (event: UsbConnectionEventLike) => void): void
  removeEventListener(type: 'connect' | 'disconnect', listener: (event: UsbConnectionEventLike) => void): void
}
