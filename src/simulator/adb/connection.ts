// One host's connection to adbd: greeting, proof of identity, and the streams it opens (AOSP adb protocol.txt, adb.cpp handle_packet).
import { randomBytes } from 'node:crypto'
import type { ByteLink } from '../adb-service.ts'
import { LinkLost } from '../host-link.ts'
import { PowerLost } from '../storage/storage.ts'
import { type HostKey, parseHostKey, signerOf, TOKEN_BYTES } from './auth.ts'
import type { AdbContext } from './machine.ts'
import { propertiesOf } from './properties.ts'
import { type Service, serviceNamed } from './services.ts'
import { AdbStream, StreamClosed } from './stream.ts'
import { COMMAND, type Packet, PacketReader, PacketWriter, VERSION } from './wire.ts'

/** What AUTH packets carry (AOSP adb.h). */
const AUTH = { token: 1, signature: 2, publicKey: 3 } as const

/** A planned power cut or lost link that a service met. */
type Failure = PowerLost | LinkLost

export class AdbConnection {
  readonly #context: AdbContext
  readonly #link: ByteLink
  readonly #reader: PacketReader
  readonly #writer: PacketWriter
  readonly #streams = new Map<number, AdbStream>()
  readonly #running = new Set<Promise<void>>()
  /** Keys allowed for this connection only. */
  readonly #allowed = new Set<string>()
  #lastId = 0
  #online = false
  #ended = false
  #maxData: number
  #token: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #prompted = false
  #fail: (failure: Failure) => void = () => {}

  constructor(context: AdbContext, link: ByteLink) {
    const { version, maxData } = context.behaviour
    this.#context = context
    this.#link = link
    this.#maxData = maxData
    this.#reader = new PacketReader(link, { version, maxData })
    this.#writer = new PacketWriter(link, version)
  }

  /** Until the host or the mode is gone. @throws PowerLost when the power went in the middle of a service. */
  async run(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject
    })
    failed.catch(() => {})
    try {
      await Promise.race([this.#converse(), failed])
    } catch (thrown) {
      if (thrown instanceof PowerLost) throw thrown
      if (!(thrown instanceof LinkLost)) throw thrown
    } finally {
      this.#ended = true
      this.#link.close('abrupt')
      this.#closeStreams()
      // What still runs may be writing to the storage; new power waits for it.
      await Promise.allSettled(this.#running)
    }
  }

  async #converse(): Promise<void> {
    for (;;) {
      const packet = await this.#reader.next()
      switch (packet.command) {
        case COMMAND.cnxn:
          this.#greet(packet)
          break
        case COMMAND.auth:
          this.#prove(packet)
          break
        default:
          // Everything else is ignored while the host has not proven itself (adb.cpp: t->online).
          if (this.#online) this.#streamPacket(packet)
      }
    }
  }

  #streamPacket({ command, arg0, arg1, payload }: Packet): void {
    const stream = this.#streams.get(arg1)
    switch (command) {
      case COMMAND.open:
        this.#open(arg0, payload)
        return
      case COMMAND.okay:
        stream?.acknowledged()
        return
      case COMMAND.wrte:
        if (stream === undefined) this.#send(COMMAND.clse, 0, arg0)
        else stream.arrived(payload)
        return
      case COMMAND.clse:
        if (stream === undefined) return
        this.#streams.delete(arg1)
        stream.hostClosed()
        this.#send(COMMAND.clse, arg1, arg0)
        return
      default:
        // STLS is never offered here, and unknown commands are ignored.
        return
    }
  }

  /** Also a host that starts over, without having said goodbye. */
  #greet({ arg0: version, arg1: maxData }: Packet): void {
    const { behaviour } = this.#context
    this.#closeStreams()
    this.#online = false
    const agreed = Math.min(version, behaviour.version)
    this.#reader.version = agreed
    this.#writer.version = agreed < VERSION.noChecksums ? VERSION.checksums : VERSION.noChecksums
    this.#maxData = Math.min(maxData, behaviour.maxData)
    if (this.#mustProve()) this.#challenge()
    else this.#welcome()
  }

  #mustProve(): boolean {
    const { machine, behaviour } = this.#context
    if (behaviour.auth === 'none') return false
    return (
      machine.mode === 'system' || (behaviour.auth === 'system-and-recovery' && machine.mode === 'recovery')
    )
  }

  #challenge(): void {
    this.#token = new Uint8Array(randomBytes(TOKEN_BYTES))
    this.#send(COMMAND.auth, AUTH.token, 0, this.#token)
  }

  #prove({ arg0: kind, payload }: Packet): void {
    if (this.#online || this.#token.length === 0) return
    if (kind === AUTH.signature) {
      const keys = [...this.#context.trustedKeys, ...this.#allowed]
      if (signerOf(this.#token, payload, keys) === undefined) this.#challenge()
      else this.#welcome()
    } else if (kind === AUTH.publicKey) {
      const key = parseHostKey(payload)
      if (key !== undefined && !this.#prompted) this.#prompt(key)
    }
  }

  /** The simulated hands answer; meanwhile the host may try other keys, or go. */
  #prompt(key: HostKey): void {
    const { screen, behaviour } = this.#context
    const { answer, ms } = behaviour.prompt
    this.#prompted = true
    screen(`Allow USB debugging? ${key.name}`)
    if (answer === 'never-answers') return
    setTimeout(() => {
      this.#prompted = false
      if (this.#ended) return
      screen(answer === 'refuse' ? 'USB debugging refused' : 'USB debugging allowed')
      if (answer === 'refuse') return
      this.#allowed.add(key.base64)
      if (answer === 'always-allow') this.#context.trustedKeys.add(key.base64)
      this.#welcome()
    }, ms)
  }

  #welcome(): void {
    this.#online = true
    const { behaviour } = this.#context
    const banner = new Uint8Array(Buffer.from(bannerOf(this.#context)))
    this.#send(COMMAND.cnxn, behaviour.version, behaviour.maxData, banner)
  }

  #open(remoteId: number, payload: Uint8Array): void {
    const name = Buffer.from(payload).toString('utf8').replace(/\0.*$/s, '')
    this.#context.machine.note(name)
    const service = serviceNamed(name, this.#context.machine.mode)
    if (remoteId === 0) return
    if (service === undefined) {
      this.#send(COMMAND.clse, 0, remoteId)
      return
    }
    this.#lastId += 1
    const localId = this.#lastId
    const stream = new AdbStream({ localId, remoteId, maxData: this.#maxData, writer: this.#writer })
    this.#streams.set(localId, stream)
    const running = this.#serve({ name, service, stream, refuse: () => this.#refuse(localId, remoteId) })
      .catch((thrown: unknown) => this.#endedBy(thrown))
      .finally(() => {
        this.#streams.delete(localId)
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  async #serve({ name, service, stream, refuse }: Opened): Promise<void> {
    const { injector } = this.#context.machine
    const faults = injector.command(name)
    injector.hooks.onCommand?.(name, injector.commands)
    strike(faults.before)
    if (faults.before === 'stall') return
    if (faults.refuse !== undefined) return refuse()
    await stream.accept()
    await service(this.#context, stream)
    injector.hooks.onCommandDone?.(name, injector.commands)
    strike(faults.after)
    await stream.close()
  }

  #refuse(localId: number, remoteId: number): void {
    this.#streams.delete(localId)
    this.#send(COMMAND.clse, 0, remoteId)
  }

  #endedBy(thrown: unknown): void {
    if (thrown instanceof StreamClosed) return
    // A link that ends under a service ends the conversation by itself; anything unknown is a fault of the simulator.
    this.#fail(thrown as Failure)
  }

  /** Not waited for: a host that writes may read later. Whether it is still there is seen by whoever reads. */
  #send(command: number, arg0: number, arg1: number, payload?: Uint8Array<ArrayBuffer>): void {
    this.#writer.send(command, arg0, arg1, payload).catch(() => {})
  }

  #closeStreams(): void {
    for (const stream of this.#streams.values()) stream.hostClosed()
    this.#streams.clear()
  }
}

interface Opened {
  readonly name: string
  readonly service: Service
  readonly stream: AdbStream
  refuse(): void
}

function strike(fault: 'disconnect' | 'power-cut' | 'stall' | undefined): void {
  if (fault === 'disconnect') throw new LinkLost('a planned fault drops the link')
  if (fault === 'power-cut') throw new PowerLost('a planned fault cuts the power')
}

const BANNER_PROPERTIES = ['ro.product.name', 'ro.product.model', 'ro.product.device']

/** `device::`, `recovery::`, `sideload::` or `rescue::`, then what the host shows in its list (AOSP adb.cpp get_connection_string). */
function bannerOf(context: AdbContext): string {
  const { mode } = context.machine
  const kind = mode === 'system' || mode === 'charging' ? 'device' : mode
  const current = propertiesOf(context)
  const properties = BANNER_PROPERTIES.map((name) => `${name}=${current.get(name) ?? ''};`)
  const { features } = context.behaviour
  return `${kind}::${properties.join('')}${features.length > 0 ? `features=${features.join(',')}` : ''}`
}
