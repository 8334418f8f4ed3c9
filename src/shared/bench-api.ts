// How a window talks to its bench over any port that carries texts in order: calls that are answered, and a state that is followed.

import {
  type BenchState,
  type Change,
  COMMANDS,
  type CommandName,
  type HostMessage,
  hostMessageSchema,
  MESSAGE_LIMIT,
  type Notice,
  type Params,
  RESYNC,
  type Result,
} from './contract.ts'
import { CATALOGUE, type ErrorCode } from './error-catalogue.ts'
import { SlotbenchError } from './errors.ts'
import { missingCase } from './missing-case.ts'
import type { RoleView } from './role.ts'

/** A connection that carries texts in order, or breaks. */
export interface WirePort {
  send(text: string): void
  onMessage(listener: (text: string) => void): void
  /** Called once. */
  onClose(listener: () => void): void
  close(): void
}

export type BenchEvent =
  | { readonly type: 'snapshot'; readonly state: BenchState }
  | { readonly type: 'changes'; readonly changes: readonly Change[] }
  | { readonly type: 'role'; readonly role: RoleView }
  | { readonly type: 'connection'; readonly open: boolean }

/** The bench as the interface sees it, whatever host is behind it. */
export interface BenchApi {
  /** @throws SlotbenchError as the bench says it, `bench-unreachable` when the connection breaks before the answer. */
  call<N extends CommandName>(command: N, params: Params<N>): Promise<Result<N>>
  /** Calls back with a snapshot soon, then with changes in order; returns the way to stop. */
  subscribe(listener: (event: BenchEvent) => void): () => void
}

const FIRST_RETRY_MS = 300
const LONGEST_RETRY_MS = 5_000

interface Pending {
  readonly command: CommandName
  readonly resolve: (result: unknown) => void
  readonly reject: (error: SlotbenchError) => void
}

/** Connects, and connects again whenever the connection breaks, until it is closed. */
export class BenchClient implements BenchApi {
  readonly #open: () => Promise<WirePort>
  readonly #listeners = new Set<(event: BenchEvent) => void>()
  readonly #pending = new Map<number, Pending>()
  #port: WirePort | undefined
  /** Of the last message that changed the state; undefined while a snapshot is awaited. */
  #seq: number | undefined
  #ids = 0
  #retryMs = FIRST_RETRY_MS
  #closed = false

  constructor(open: () => Promise<WirePort>) {
    this.#open = open
    void this.#connect()
  }

  call<N extends CommandName>(command: N, params: Params<N>): Promise<Result<N>> {
    const port = this.#port
    if (port === undefined)
      return Promise.reject(new SlotbenchError('bench-unreachable', 'there is no connection now'))
    const id = ++this.#ids
    const text = JSON.stringify({ id, command, params })
    if (text.length > MESSAGE_LIMIT.toHost)
      return Promise.reject(new SlotbenchError('message-invalid', `${command} is too long to be sent`))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(id, { command, resolve, reject })
    port.send(text)
    return promise as Promise<Result<N>>
  }

  subscribe(listener: (event: BenchEvent) => void): () => void {
    this.#listeners.add(listener)
    // Whoever comes late gets a snapshot of its own.
    if (this.#port !== undefined) this.#resync()
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#port?.close()
  }

  async #connect(): Promise<void> {
    if (this.#closed) return
    try {
      const port = await this.#open()
      this.#port = port
      this.#seq = undefined
      port.onMessage((text) => this.#receive(text))
      port.onClose(() => this.#lost())
    } catch {
      this.#retry()
    }
  }

  #lost(): void {
    this.#port = undefined
    this.#tell({ type: 'connection', open: false })
    for (const { reject } of this.#pending.values())
      reject(new SlotbenchError('bench-unreachable', 'the connection broke before the answer'))
    this.#pending.clear()
    this.#retry()
  }

  #retry(): void {
    if (this.#closed) return
    setTimeout(() => void this.#connect(), this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS)
  }

  #receive(text: string): void {
    const message = parse(text)
    if (message === undefined) this.#resync()
    else this.#take(message)
  }

  #take(message: HostMessage): void {
    switch (message.type) {
      case 'snapshot':
        this.#seq = message.seq
        this.#retryMs = FIRST_RETRY_MS
        this.#tell({ type: 'connection', open: true })
        this.#tell({ type: 'snapshot', state: message.state })
        return
      case 'changes':
        // Before the snapshot: it will hold them already.
        if (this.#seq === undefined) return
        if (message.seq !== this.#seq + 1) {
          this.#resync()
          return
        }
        this.#seq = message.seq
        this.#tell({ type: 'changes', changes: message.changes })
        return
      case 'role':
        this.#tell({ type: 'role', role: message.role })
        return
      case 'reply':
        this.#answer(message.id, message.result)
        return
      case 'failure':
        this.#takePending(message.id)?.reject(errorFrom(message.error))
        return
      default:
        missingCase(message)
    }
  }

  #answer(id: number, result: unknown): void {
    const pending = this.#takePending(id)
    if (pending === undefined) return
    const parsed = COMMANDS[pending.command].result.safeParse(result)
    if (parsed.success) pending.resolve(parsed.data)
    else
      pending.reject(
        new SlotbenchError('message-invalid', `the answer to ${pending.command} was not understood`),
      )
  }

  #takePending(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }

  /** What is missing cannot be guessed: ask for all of it, once. */
  #resync(): void {
    this.#seq = undefined
    this.#port?.send(JSON.stringify({ id: ++this.#ids, command: RESYNC, params: {} }))
  }

  #tell(event: BenchEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }
}

function parse(text: string): HostMessage | undefined {
  if (text.length > MESSAGE_LIMIT.toWindow) return undefined
  try {
    return hostMessageSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function errorFrom({ code, detail }: Notice): SlotbenchError {
  const known = Object.hasOwn(CATALOGUE, code) ? (code as ErrorCode) : 'internal'
  return new SlotbenchError(known, detail)
}
