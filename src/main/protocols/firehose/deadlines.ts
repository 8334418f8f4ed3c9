// How long a programmer may keep silent, by kind of command (zte-domain §4.2.5, after qdl). Whatever arrives starts the time again.

/** Milliseconds. */
export interface FirehoseDeadlines {
  /** What it says of itself when it starts; then we speak. */
  readonly startup: number
  /** After its first words, until it has said them all. */
  readonly quiet: number
  /** One `configure`; it is sent again while the programmer is silent. */
  readonly configureTry: number
  readonly configure: number
  /** A command. qdl gives it 1 s and tries again; here a write that timed out ends the connection, so it gets longer. */
  readonly command: number
  readonly nop: number
  readonly info: number
  readonly setup: number
  /** One payload on its way out; SPI NOR takes long. */
  readonly chunk: number
  readonly slowChunk: number
  /** One read that listens while data goes out; then the next one does. Short ones could lose the answer (zte-domain §7), and one that is
   * still open when the connection is given up keeps the device from being opened again. */
  readonly ear: number
  /** After the last byte: the programmer writes out what it holds. */
  readonly finalAck: number
  readonly readChunk: number
  /** qdl allows 30 s for each of its pieces; here one command covers the whole range. */
  readonly erase: number
  readonly digest: number
  /** patch, setbootablestoragedrive, power. */
  readonly short: number
  /** What a programmer says after it refused data in the middle. */
  readonly lastWords: number
}

export const FIREHOSE_DEADLINES: FirehoseDeadlines = {
  startup: 1_000,
  quiet: 100,
  configureTry: 1_000,
  configure: 5_000,
  command: 5_000,
  nop: 5_000,
  info: 30_000,
  setup: 10_000,
  chunk: 10_000,
  slowChunk: 60_000,
  ear: 20_000,
  finalAck: 120_000,
  readChunk: 30_000,
  erase: 120_000,
  digest: 30_000,
  short: 5_000,
  lastWords: 500,
}
