// A Firehose programmer that runs: it takes one command after the other, for as long as the terminal has power (zte-domain §4.2).
import type { CommandFaults } from '../fault-injector.ts'
import type { EdlProfile } from '../profiles/edl-types.ts'
import type { SimulatedStorage } from '../storage/storage.ts'
import type { Departure } from '../terminal-state.ts'
import { DocumentWriter } from './documents.ts'
import { COMMANDS } from './programmer-commands.ts'
import { Refusal, SectorStorage } from './sector-storage.ts'
import type { ProgrammerTraits } from './traits.ts'
import type { Wire } from './wire.ts'
import { parseCommand, type Response, type XmlCommand } from './xml.ts'

export interface ProgrammerParts {
  readonly traits: ProgrammerTraits
  readonly edl: EdlProfile
  readonly chipSerial: number
  readonly storage: SimulatedStorage
  /** LUNs that hold the first boot stage of slot a and b. */
  readonly bootLuns: readonly [number, number] | undefined
  readonly alive: () => boolean
  /** Takes as long as a second of the programmer's delays. */
  readonly second: () => Promise<void>
}

/** What `configure` settled. */
export interface Settled {
  /** Bytes of a payload to the terminal. */
  readonly payload: number
  readonly zlpAware: boolean
  /** False when the host named another kind of storage and skipped its start. */
  readonly storageUp: boolean
}

/** One command while it is executed. */
export interface Execution {
  readonly programmer: Programmer
  readonly command: XmlCommand
  readonly faults: CommandFaults
  readonly documents: DocumentWriter
  readonly wire: Wire
  readonly storage: SectorStorage
}

export interface Answer extends Response {
  /** Where the terminal goes after the answer, and after how many seconds. */
  readonly leave?: { readonly to: Departure; readonly afterSeconds: number }
}

export class Programmer {
  readonly parts: ProgrammerParts
  settled: Settled | undefined
  /** Whether any command has come. */
  #heard = false
  #greeted = false

  constructor(parts: ProgrammerParts) {
    this.parts = parts
  }

  get heard(): boolean {
    return this.#heard
  }

  /** Serves one host until the terminal leaves.
   * @throws LinkLost, Struck, PowerLost. */
  async run(wire: Wire): Promise<Departure> {
    const documents = new DocumentWriter(wire, this.parts.traits, () => this.settled?.zlpAware ?? false)
    await this.#greet(documents)
    for (;;) {
      const bytes = await wire.read(this.parts.traits.maxXml)
      if (bytes.length === 0) continue
      this.#heard = true
      const leave = await this.#answer(wire, documents, Buffer.from(bytes).toString('utf8'))
      if (leave === undefined) continue
      for (let i = 0; i < leave.afterSeconds; i++) await this.parts.second()
      return leave.to
    }
  }

  /** What programmers say of themselves when they start. */
  async #greet(documents: DocumentWriter): Promise<void> {
    if (this.#greeted) return
    this.#greeted = true
    const { traits, chipSerial } = this.parts
    documents.log('INFO: Binary build date: Nov 25 2026 @ 12:00:00')
    documents.log(`INFO: Chip serial num: ${chipSerial} (0x${chipSerial.toString(16)})`)
    documents.log(`INFO: Supported Functions (${traits.commands.length}):`)
    for (const name of traits.commands) documents.log(`INFO: ${name}`)
    documents.log(`INFO: End of supported functions ${traits.commands.length}`)
    await documents.flush()
  }

  async #answer(wire: Wire, documents: DocumentWriter, text: string): Promise<Answer['leave']> {
    const command = parseCommand(text)
    const name = command ? describeCommand(command) : 'firehose:?'
    const faults = await wire.begin(name)
    const injector = wire.injector
    const storage = new SectorStorage(this.parts.storage, this.parts.alive, (place) =>
      injector.writeFails(place),
    )
    let answer: Answer
    try {
      if (!command) throw new Refusal('XML is not well formed, or has no command')
      if (faults.refuse !== undefined) throw new Refusal(faults.refuse)
      answer = await this.#execute({ programmer: this, command, faults, documents, wire, storage })
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      documents.log(`ERROR: ${thrown.message}`)
      answer = { value: 'NAK', attributes: { rawmode: 'false' } }
    }
    // The answer is lost either way; a terminal that still has power goes where it was told to.
    if (faults.after === 'disconnect' && answer.leave) return answer.leave
    await wire.executed(name, faults)
    await documents.respond(answer, faults.reply)
    return answer.leave
  }

  async #execute(execution: Execution): Promise<Answer> {
    const { tag } = execution.command
    const known = this.parts.traits.commands.includes(tag) ? COMMANDS[tag] : undefined
    if (!known) throw new Refusal(`Unrecognized command: ${tag}`)
    return known(execution)
  }
}

/** As listeners and faults name it, e.g. `firehose:program lun 4 sector 1280 count 16 boot.img`. */
function describeCommand({ tag, attributes }: XmlCommand): string {
  const words = [
    ['lun', 'physical_partition_number'],
    ['sector', 'start_sector'],
    ['count', 'num_partition_sectors'],
    ['', 'value'],
    ['', 'filename'],
  ].flatMap(([label = '', name = '']) => {
    const value = attributes.get(name)
    return value === undefined || value === '' ? [] : [label === '' ? value : `${label} ${value}`]
  })
  return [`firehose:${tag}`, ...words].join(' ')
}
