import type { IoOptions } from '../../shared/io-options.ts'

/** Bulk pipes of one opened terminal: USB, TCP or the simulator. Only `io` knows which. */
export interface Transport {
  /** Sends all of `data` as one transfer; calls that do not wait for each other go out in their order. Packets of ADB are at
   * most 1 MiB, longer data must be waited for. Over ADB on USB its end is marked by an empty packet where full ones do not tell it;
   * otherwise zero-length packets are never added. */
  send(data: Uint8Array<ArrayBuffer>, options: IoOptions): Promise<void>
  /** One transfer's worth, at most `maxBytes`; resolves early with what one packet or message held.
   * @throws SlotbenchError `terminal-silent` when the deadline passes, `terminal-gone` when the other side is away. */
  receive(maxBytes: number, options: IoOptions): Promise<Uint8Array<ArrayBuffer>>
  /** Only where the link is made of packets: how to mark an end that full packets do not show. For protocols that ask for it (Firehose). */
  readonly packets?: PacketLink
  /** Frees the device. Never throws; safe to call twice. */
  close(): Promise<void>
}

export interface PacketLink {
  /** Bytes of a full packet towards the terminal. A transfer of nothing but full packets has no visible end. */
  readonly size: number
  /** Sends one zero-length packet, in turn with `send`. */
  sendEmpty(options: IoOptions): Promise<void>
}
