// A terminal that speaks ADB, opened: facts from its properties, restarts, and giving a package to its recovery.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { type BayId, bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'
import { type AdbConnection, connectAdb } from '../../protocols/adb/connection.ts'
import type { AdbCredentials } from '../../protocols/adb/credentials.ts'
import { type SideloadOptions, type SideloadService, sideload } from '../../protocols/adb/sideload.ts'
import type { AdbSession, OpenOptions, RebootTarget, SideloadReceipt, Sighting } from '../types.ts'
import type { AdbServerDoor } from './adb-server.ts'
import { blockBytesFor } from './block-size.ts'
import { type AdbAnswers, factsFromAdb } from './facts.ts'
import { parseProperties } from './properties.ts'

export interface OpenAdbOptions extends OpenOptions {
  readonly credentials: AdbCredentials
  /** A running adb server, to name it when it holds the terminal, or to go through it. */
  readonly server?: AdbServerDoor | undefined
  /** Goes through the server when that holds the terminal. */
  readonly throughServer?: boolean | undefined
}

/** Opens what was sighted and reads its facts.
 * @throws SlotbenchError `adb-unauthorised`, `adb-server`, `adb-key-invalid`, what opening the link throws, and `terminal-*`. */
export async function openAdbSession(sighting: Sighting, o: OpenAdbOptions): Promise<AdbSession> {
  const place = { bay: sighting.bay, ...(sighting.serial !== undefined && { terminal: sighting.serial }) }
  let connection: AdbConnection | undefined
  try {
    connection = await connect(sighting, o)
    const session = new OpenedAdbSession(connection, sighting)
    await session.refresh(o)
    return session
  } catch (thrown) {
    await connection?.close()
    throw asSlotbenchError(thrown).at(place)
  }
}

async function connect(sighting: Sighting, o: OpenAdbOptions): Promise<AdbConnection> {
  const overUsb = sighting.usb !== undefined
  try {
    const transport = await sighting.open(o)
    return await connectAdb(transport, { ...o, lingers: overUsb })
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code !== 'usb-busy' || !overUsb || !o.server) throw error
    const held = await o.server.holding(sighting.serial, o)
    if (held === undefined) throw error
    if (o.throughServer) return await o.server.connect(held, o)
    const detail = `the adb server at ${o.server.address} holds the terminal as ${held.serial} (${held.state})`
    throw new SlotbenchError('adb-server', detail, { cause: error })
  }
}

/** How long anything but the properties may keep the facts waiting: a terminal that boots answers slowly. */
const EXTRA_MS = 3_000
/** From the answer to the end of the link a phone takes a second or two; adbd itself says nothing more. */
const DEPARTURE_MS = 5_000

class OpenedAdbSession implements AdbSession {
  readonly protocol = 'adb'
  readonly bay: BayId
  readonly #connection: AdbConnection
  readonly #sighting: Sighting
  #facts: TerminalFacts

  constructor(connection: AdbConnection, sighting: Sighting) {
    this.bay = sighting.bay
    this.#connection = connection
    this.#sighting = sighting
    this.#facts = this.#interpret({ properties: new Map() })
  }

  get facts(): TerminalFacts {
    return this.#facts
  }

  async refresh(o: IoOptions): Promise<TerminalFacts> {
    return await this.#placed(async () => {
      this.#facts = this.#interpret(await readAnswers(this.#connection, o))
      return this.#facts
    })
  }

  async reboot(to: RebootTarget, o: IoOptions): Promise<void> {
    try {
      await this.#placed(() => leave(this.#connection, rebootWord(to), o))
    } finally {
      await this.close()
    }
  }

  async sideload(file: ByteSource, o: SideloadOptions): Promise<SideloadReceipt> {
    return await this.#placed(async () => {
      const startedAt = performance.now()
      const service = this.#sideloadService()
      const blockBytes = await blockBytesFor(file, o.signal)
      const { sentBytes } = await sideload(this.#connection, service, file, { ...o, blockBytes })
      return {
        bytes: file.size,
        sentBytes: bytes(sentBytes),
        durationMs: Math.round(performance.now() - startedAt),
      }
    })
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  #sideloadService(): SideloadService {
    const { mode } = this.#facts
    if (mode === 'sideload') return 'sideload-host'
    if (mode === 'rescue') return 'rescue-install'
    throw new SlotbenchError(
      'terminal-wrong-mode',
      `the terminal is in ${mode} mode; packages go to its sideload mode`,
    )
  }

  #interpret(answers: AdbAnswers): TerminalFacts {
    // The greeting told these; properties are newer where they can be read.
    const properties = new Map([...this.#connection.names, ...answers.properties])
    return factsFromAdb(
      { ...answers, properties },
      {
        bay: this.bay,
        state: this.#connection.state,
        usbSerial: this.#sighting.serial,
        usbProduct: this.#sighting.product,
      },
    )
  }

  async #placed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      const terminal = this.#facts.serial?.value ?? this.#sighting.serial
      throw asSlotbenchError(thrown).at({ bay: this.bay, ...(terminal !== undefined && { terminal }) })
    }
  }
}

/** Everything at once, so that it takes as long as the slowest and not as long as all. What is refused is no fact. */
async function readAnswers(connection: AdbConnection, o: IoOptions): Promise<AdbAnswers> {
  switch (connection.state) {
    case 'sideload':
      return { properties: new Map() }
    case 'rescue':
      return { properties: parseProperties((await answer(connection, 'rescue-getprop:', o)) ?? '') }
    default: {
      const extra = { signal: o.signal, deadline: o.deadline.within(EXTRA_MS) }
      const [properties, battery, dataSpace, chipSerial] = await Promise.all([
        answer(connection, 'exec:getprop', o),
        answer(connection, 'exec:dumpsys battery', extra, 'late'),
        answer(connection, 'exec:df /data', extra, 'late'),
        answer(connection, 'exec:cat /sys/devices/soc0/serial_number', extra, 'late'),
      ])
      return { properties: parseProperties(properties ?? ''), battery, dataSpace, chipSerial }
    }
  }
}

/** Undefined where the terminal refuses, or, with `late`, does not answer in time. */
async function answer(
  connection: AdbConnection,
  service: string,
  o: IoOptions,
  mayBe?: 'late',
): Promise<string | undefined> {
  try {
    return await connection.text(service, o)
  } catch (thrown) {
    const { code } = asSlotbenchError(thrown)
    if (code === 'terminal-refused' || (code === 'terminal-silent' && mayBe === 'late')) return undefined
    throw thrown
  }
}

function rebootWord(to: RebootTarget): string {
  switch (to) {
    case 'system':
      return ''
    case 'bootloader':
    case 'recovery':
    case 'edl':
      return to
    case 'fastbootd':
      return 'fastboot'
    case 'sideload':
      // Afterwards it boots by itself, whatever became of the package: that boot is what proves it.
      return 'sideload-auto-reboot'
    default:
      return missingCase(to)
  }
}

/** @throws SlotbenchError `terminal-refused` with its words when it stays. */
async function leave(connection: AdbConnection, word: string, o: IoOptions): Promise<void> {
  const within = { signal: o.signal, deadline: o.deadline.within(DEPARTURE_MS) }
  try {
    const words = (await connection.text(`reboot:${word}`, within)).trim()
    // adbd says something only when it does not go (AOSP reboot_service.cpp).
    if (/fail|error|not (allowed|supported|permitted)|denied/i.test(words))
      throw new SlotbenchError('terminal-refused', `the terminal does not restart: ${words.slice(0, 200)}`)
  } catch (thrown) {
    const { code } = asSlotbenchError(thrown)
    const departed =
      code === 'terminal-gone' ||
      code === 'usb-failed' ||
      code === 'network-failed' ||
      code === 'terminal-silent'
    if (!departed) throw thrown
  }
}
