// Sahara on the wire, as the terminal speaks it (zte-domain §4.1): packets of little-endian words.

export const SAHARA = {
  hello: 0x01,
  helloResponse: 0x02,
  readData: 0x03,
  endOfImage: 0x04,
  done: 0x05,
  doneResponse: 0x06,
  reset: 0x07,
  resetResponse: 0x08,
  memoryDebug: 0x09,
  memoryRead: 0x0a,
  commandReady: 0x0b,
  switchMode: 0x0c,
  execute: 0x0d,
  executeResponse: 0x0e,
  executeData: 0x0f,
  memoryDebug64: 0x10,
  memoryRead64: 0x11,
  readData64: 0x12,
  resetStateMachine: 0x13,
} as const

export const SAHARA_MODE = { imagePending: 0, imageComplete: 1, memoryDebug: 2, command: 3 } as const

/** Status words of END_OF_IMAGE that are about the protocol; those about images are in loader-file.ts. */
export const SAHARA_STATUS = {
  ok: 0,
  invalidCommand: 0x01,
  badHostProtocol: 0x04,
  packetSize: 0x05,
  receiveLength: 0x0b,
  invalidHostMode: 0x18,
  invalidMemoryRead: 0x19,
  memoryDebugUnsupported: 0x1b,
  invalidModeSwitch: 0x1c,
  unsupportedCommand: 0x1f,
} as const

/** What a boot ROM takes as one packet at most; it says so in HELLO. */
export const MAX_PACKET = 0x400

/** Names for listeners, e.g. `sahara:hello-response`. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SAHARA).map(([name, id]) => [
    id,
    name.replace(/[A-Z0-9]+/g, (part) => `-${part.toLowerCase()}`),
  ]),
)

/** A packet of words. */
export function packet(command: number, ...words: readonly number[]): Uint8Array<ArrayBuffer> {
  return filled(command, words.length * 4, (view) => {
    words.forEach((word, i) => {
      view.setUint32(8 + i * 4, word, true)
    })
  })
}

/** A packet of 64-bit words. */
export function widePacket(command: number, ...words: readonly number[]): Uint8Array<ArrayBuffer> {
  return filled(command, words.length * 8, (view) => {
    words.forEach((word, i) => {
      view.setBigUint64(8 + i * 8, BigInt(word), true)
    })
  })
}

function filled(command: number, body: number, fill: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + body)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, command, true)
  view.setUint32(4, bytes.length, true)
  fill(view)
  return bytes
}

export interface HostPacket {
  readonly command: number
  readonly length: number
  readonly body: DataView
}

/** Undefined for what is no packet: too short, or of another length than it says. */
export function readPacket(bytes: Uint8Array): HostPacket | undefined {
  if (bytes.length < 8) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(4, true)
  if (length !== bytes.length) return undefined
  return {
    command: view.getUint32(0, true),
    length,
    body: new DataView(view.buffer, view.byteOffset + 8, length - 8),
  }
}

/** As listeners and faults name it, e.g. `sahara:execute 1`, `sahara:hello-response mode 0`. */
export function describePacket({ command, body }: HostPacket): string {
  const name = `sahara:${NAMES.get(command) ?? `command ${command}`}`
  if (command === SAHARA.helloResponse && body.byteLength >= 16)
    return `${name} mode ${body.getUint32(12, true)}`
  const withWord =
    command === SAHARA.execute || command === SAHARA.executeData || command === SAHARA.switchMode
  return withWord && body.byteLength >= 4 ? `${name} ${body.getUint32(0, true)}` : name
}
