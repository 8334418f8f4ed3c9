// A raw EDL host for the simulator's own tests: it speaks packets and documents over the simulated bus and knows nothing of the product's
// protocols.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { UsbDeviceLike } from '../../main/io/usb/backend.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { SimulatedBench, type UsbLinkQuality } from '../usb.ts'

const TIMEOUT = 5000

export interface Plugged {
  readonly terminal: SimulatedTerminal
  readonly bench: SimulatedBench
  readonly commands: string[]
  host(): Promise<RawHost>
}

export function plugIn(terminal: SimulatedTerminal, link: UsbLinkQuality = { speed: 'high' }): Plugged {
  const bench = new SimulatedBench()
  const commands: string[] = []
  terminal.on((event) => {
    if (event.kind === 'command') commands.push(event.command)
  })
  bench.plug(terminal, { bus: '1', ports: [1], link })
  const host = async () => {
    const [device] = await bench.getDevices()
    if (!device) throw new Error('nothing is on the bus')
    return RawHost.open(device)
  }
  return { terminal, bench, commands, host }
}

export interface XmlReply {
  readonly value: string
  readonly text: string
  readonly logs: readonly string[]
}

export class RawHost {
  readonly device: UsbDeviceLike
  /** The programmer says more behind each response, which must be read before the next command. */
  trailing = false
  /** Firehose text that came and was not used yet. */
  #text = ''

  private constructor(device: UsbDeviceLike) {
    this.device = device
  }

  static async open(device: UsbDeviceLike): Promise<RawHost> {
    await device.open()
    await device.claimInterface(0)
    return new RawHost(device)
  }

  async send(bytes: Uint8Array, timeout = TIMEOUT): Promise<void> {
    await this.device.transferOut(1, new Uint8Array(bytes), timeout)
  }

  async receive(length = 4096, timeout = TIMEOUT): Promise<Buffer> {
    const { data } = await this.device.transferIn(1, length, timeout)
    return data ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.alloc(0)
  }

  async words(...words: readonly number[]): Promise<void> {
    const bytes = Buffer.alloc(words.length * 4)
    words.forEach((word, i) => {
      bytes.writeUInt32LE(word, i * 4)
    })
    await this.send(bytes)
  }

  /** The next Sahara packet as words. */
  async packet(timeout = TIMEOUT): Promise<number[]> {
    const bytes = await this.receive(4096, timeout)
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4))
  }

  async answerHello(mode: number, reserved = 0): Promise<void> {
    await this.words(2, 0x30, 2, 1, 0, mode, reserved, 0, 0, 0, 0, 0)
  }

  async execute(command: number): Promise<Buffer | number[]> {
    await this.words(0x0d, 12, command)
    const reply = await this.packet()
    if (reply[0] !== 0x0e) return reply
    await this.words(0x0f, 12, command)
    return this.receive()
  }

  /** Serves what the boot ROM asks for until it asks for something else. @returns that packet. */
  async serve(image: Uint8Array, zlp = false): Promise<number[]> {
    for (;;) {
      const asked = await this.packet(1000)
      const wide = asked[0] === 0x12
      if (!wide && asked[0] !== 3) return asked
      const [offset = 0, length = 0] = wide ? [asked[4], asked[6]] : [asked[3], asked[4]]
      const bytes = image.subarray(offset, offset + length)
      if (bytes.length > 0) await this.send(bytes)
      if (zlp && bytes.length % 512 === 0) await this.send(new Uint8Array(0))
    }
  }

  /** From HELLO to the running programmer. @returns DONE_RESP. */
  async load(image: Uint8Array): Promise<number[]> {
    await this.packet()
    await this.answerHello(0)
    const end = await this.serve(image)
    if (end[0] !== 4 || end[3] !== 0) throw new Error(`the loader was refused: ${end}`)
    await this.words(5, 8)
    return this.packet()
  }

  async write(body: string): Promise<void> {
    const bytes = Buffer.from(`<?xml version="1.0" ?><data>${body}</data>`)
    await this.send(bytes)
    if (bytes.length % 512 === 0) await this.send(new Uint8Array(0))
  }

  /** Everything up to the next response, however it is cut, and what trails it. */
  async reply(timeout = TIMEOUT): Promise<XmlReply> {
    const reply = await this.#response(timeout)
    const more = this.trailing && !reply.text.includes('rawmode="true"')
    while (more && !this.#text.includes('ready for the next')) this.#text += (await this.receive()).toString()
    if (more) this.#text = ''
    return reply
  }

  async #response(timeout: number): Promise<XmlReply> {
    for (;;) {
      const end = /<response [^>]*\/>\s*<\/data>\n?/.exec(this.#text)
      if (end) {
        const text = this.#text.slice(0, end.index + end[0].length)
        this.#text = this.#text.slice(text.length)
        const logs = [...text.matchAll(/<log value="([^"]*)"/g)].map(([, words = '']) =>
          words.replaceAll('&quot;', '"'),
        )
        return { value: /<response value="(\w+)"/.exec(text)?.[1] ?? '', text, logs }
      }
      this.#text += (await this.receive(4096, timeout)).toString()
    }
  }

  async command(body: string): Promise<XmlReply> {
    await this.write(body)
    return this.reply()
  }

  configure(more = '', memory = 'ufs', payload = 1048576): Promise<XmlReply> {
    return this.command(
      `<configure MemoryName="${memory}" MaxPayloadSizeToTargetInBytes="${payload}" verbose="0" ZLPAwareHost="1" SkipStorageInit="0" ${more}/>`,
    )
  }

  /** @param payload bytes of one write. @param zlp after each, or after the last one only, where they fill their packets. */
  async program(
    place: { lun: number; start: number | string; sectorSize: number },
    bytes: Uint8Array,
    how: { payload?: number; zlp?: 'each' | 'last' | 'none' } = {},
  ): Promise<XmlReply> {
    const { payload = 1048576, zlp = 'none' } = how
    const count = bytes.length / place.sectorSize
    const setup = await this.command(
      `<program SECTOR_SIZE_IN_BYTES="${place.sectorSize}" num_partition_sectors="${count}" physical_partition_number="${place.lun}" start_sector="${place.start}" filename="x.img"/>`,
    )
    if (setup.value !== 'ACK') return setup
    for (let at = 0; at < bytes.length; at += payload) {
      await this.send(bytes.subarray(at, at + payload))
      const last = at + payload >= bytes.length
      if (zlp === 'each' || (zlp === 'last' && last)) await this.send(new Uint8Array(0))
    }
    return this.reply()
  }

  async read(place: { lun: number; start: number; count: number; sectorSize: number }): Promise<Buffer> {
    const setup = await this.command(
      `<read SECTOR_SIZE_IN_BYTES="${place.sectorSize}" num_partition_sectors="${place.count}" physical_partition_number="${place.lun}" start_sector="${place.start}"/>`,
    )
    if (setup.value !== 'ACK') throw new Error(setup.text)
    const size = place.count * place.sectorSize
    let got = Buffer.alloc(0)
    while (got.length < size) got = Buffer.concat([got, await this.receive(size - got.length)])
    const end = await this.reply()
    if (end.value !== 'ACK') throw new Error(end.text)
    return got
  }
}

interface Element {
  readonly [attribute: string]: string | undefined
}

/** The elements of a package's list, by a pattern and nothing cleverer. */
function elements(folder: string, list: string, tag: 'program' | 'patch'): readonly Element[] {
  const text = readFileSync(join(folder, list), 'utf8')
  return [...text.matchAll(new RegExp(`<${tag} ([^>]*)/>`, 'g'))].map(([, attributes = '']) =>
    Object.fromEntries([...attributes.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value])),
  )
}

/** Flashes all of an unpacked package with raw images as qdl would, and restarts.
 * @throws Error when something is refused. */
export async function flashFolder(host: RawHost, folder: string, payload: number): Promise<void> {
  const lists = (beginning: string) =>
    readdirSync(folder)
      .filter((name) => name.startsWith(beginning) && name.endsWith('.xml'))
      .sort()
  const ack = ({ value, text }: XmlReply) => {
    if (value !== 'ACK') throw new Error(text)
  }
  for (const entry of lists('rawprogram').flatMap((list) => elements(folder, list, 'program'))) {
    if (!entry['filename']) continue
    const sectorSize = Number(entry['SECTOR_SIZE_IN_BYTES'])
    const file = readFileSync(join(folder, entry['filename']))
    const bytes = Buffer.alloc(Math.ceil(file.length / sectorSize) * sectorSize)
    file.copy(bytes)
    const lun = Number(entry['physical_partition_number'])
    ack(await host.program({ lun, start: entry['start_sector'] ?? '', sectorSize }, bytes, { payload }))
  }
  for (const entry of lists('patch').flatMap((list) => elements(folder, list, 'patch'))) {
    if (entry['filename'] !== 'DISK') continue
    const { what: _, ...attributes } = entry
    const text = Object.entries(attributes).map(([name, value]) => ` ${name}="${value}"`)
    ack(await host.command(`<patch${text.join('')}/>`))
  }
  ack(await host.command('<power value="reset"/>'))
}
