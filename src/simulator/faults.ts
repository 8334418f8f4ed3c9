// Everything that can go wrong between a host and a terminal, as data: deterministic, so that a failing test repeats.

/** When a fault strikes. Counts start at 1 and run over the life of the plan. */
export type FaultTrigger =
  /** The n-th command, whatever it is. */
  | { readonly command: number }
  /** The n-th command (default 1) whose text begins so, e.g. `flash:boot_b`, `download:`; in EDL `sahara:hello-response mode 0`,
   * `sahara:execute 1`, `sahara:done`, `firehose:configure`, `firehose:program lun 4 sector 1280 count 16 boot.img`. */
  | { readonly startsWith: string; readonly nth?: number }

/** When a fault strikes during a transfer or a write; bytes are counted over the life of the plan. */
export type CommandMoment = 'before' | 'after'

export type Fault =
  /** The link dies; the terminal stays up and enumerates again. `after`: the command was executed, its reply is lost. */
  | { readonly kind: 'disconnect'; readonly at: FaultTrigger; readonly when: CommandMoment }
  | { readonly kind: 'disconnect-in-download'; readonly afterBytes: number }
  | { readonly kind: 'power-cut'; readonly at: FaultTrigger; readonly when: CommandMoment }
  | { readonly kind: 'power-cut-in-download'; readonly afterBytes: number }
  /** In EDL: the same for what goes to the host, documents included. */
  | { readonly kind: 'disconnect-in-upload'; readonly afterBytes: number }
  /** The write in which this byte falls is torn: a prefix of whole sectors is kept, then the power is gone. */
  | { readonly kind: 'power-cut-in-write'; readonly afterBytes: number }
  /** The command is swallowed; nothing ever answers until the link is closed. */
  | { readonly kind: 'stall'; readonly at: FaultTrigger }
  /** The terminal says FAIL instead of executing. */
  | { readonly kind: 'refuse'; readonly at: FaultTrigger; readonly words: string }
  /** The command is executed; its last reply is spoilt. */
  | { readonly kind: 'reply'; readonly at: FaultTrigger; readonly how: ReplyFault }
  /** All storage writes go at this speed. */
  | { readonly kind: 'slow-storage'; readonly bytesPerSecond: number }
  /** One bit is stored wrong, silently, in the write in which this byte falls. */
  | { readonly kind: 'bit-flip'; readonly afterBytes: number }
  /** From the n-th enumeration on (counting from 1) the terminal shows no serial number. */
  | { readonly kind: 'serial-missing'; readonly fromEnumeration: number }
  /** Firehose: the command takes all its data and then says NAK, behind a log line with these words. */
  | { readonly kind: 'refuse-after-data'; readonly at: FaultTrigger; readonly words: string }
  /** The boot ROM's n-th HELLO (default the first) has been taken by somebody else; it waits for the answer (zte-domain §4.1 quirk a). */
  | { readonly kind: 'hello-eaten'; readonly nth?: number }
  | DocumentsFault
  /** Firehose: storage that cannot be written; the programmer says so and refuses. */
  | ({ readonly kind: 'write-error' } & SectorPlace)
  /** Storage that says it was written and keeps what it held. */
  | ({ readonly kind: 'stuck' } & SectorPlace)

/** Firehose documents of one answer in one transfer, or each cut in two at any byte, whatever the programmer's own manner is. */
export interface DocumentsFault {
  readonly kind: 'documents'
  readonly how: 'joined' | 'split'
}

export interface SectorPlace {
  readonly lun: number
  readonly sector: number
  readonly count: number
}

export type ReplyFault =
  | { readonly kind: 'lost' }
  | { readonly kind: 'duplicated' }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'too-long'; readonly bytes: number }

/** Called at the moment itself; may cut the power of the terminal there. */
export interface SimulatorHooks {
  /** Before a command is executed. */
  readonly onCommand?: (command: string, count: number) => void
  /** After a command was executed and before its last reply is sent. */
  readonly onCommandDone?: (command: string, count: number) => void
  /** `total`: bytes of downloads received so far, over all downloads. */
  readonly onDownloadBytes?: (total: number) => void
  /** Before a piece of a storage write becomes durable; `total` counts the bytes written before it. */
  readonly onStorageWrite?: (write: { readonly bytes: number; readonly total: number }) => void
}

export interface FaultPlan {
  /** For everything that is left to chance (length of a torn prefix, which bit flips). Default 1. */
  readonly seed?: number
  readonly faults?: readonly Fault[]
  readonly hooks?: SimulatorHooks
}
