// What carries fastboot between a host and the simulated bootloader: USB, TCP, or a FunctionFS gadget implement it.

/** What a link of ours throws once the host is gone. */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'
}

/** The device's end of one connection. */
export interface HostLink {
  /** What the host sends next. With `expected` 0 a command is awaited: one USB transfer or one TCP message, whole.
   * While a download runs, `expected` is what is still to come and some of it, never more, is returned.
   * An empty array (a zero-length packet) means nothing.
   * @throws any error once the host is gone. */
  read(expected: number): Promise<Uint8Array<ArrayBuffer>>
  /** One reply as one packet or message, or a piece of what the host fetches. */
  write(reply: Uint8Array<ArrayBuffer>): Promise<void>
  /** Called when the terminal loses power (`abrupt`) or is done with this host: pending reads and writes must reject.
   * What was written before an orderly end still reaches the host. */
  close(how: 'orderly' | 'abrupt'): void
}
