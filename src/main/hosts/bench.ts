// The composition root that every host shares: the engine's parts put together around one data folder.
import { join, resolve } from 'node:path'
import { Deadline } from '../../shared/io-options.ts'
import type { JobEvent } from '../../shared/job.ts'
import type { RomInfo } from '../../shared/rom.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { openRom } from '../core/rom/open.ts'
import type { Rom } from '../core/rom/types.ts'
import { type VerifyProgress, verifyRom } from '../core/rom/verify.ts'
import type { ByteSource } from '../core/source.ts'
import { judge } from '../core/trust/verdict.ts'
import type { Workshop } from '../core/workshop.ts'
import type { Patience, SessionOpeners } from '../flash/bay-sessions.ts'
import { Engine } from '../flash/engine.ts'
import { type Arrival, goToMode, type JourneyOptions, openOnce, readOnce } from '../flash/go-to-mode.ts'
import { type Readings, type SurveyOptions, survey } from '../flash/survey.ts'
import { adbKeyStore } from '../io/adb/key-store.ts'
import { adbServer } from '../io/adb/server.ts'
import { FileBackupStore } from '../io/files/backup-store.ts'
import { freeSpace } from '../io/files/free-space.ts'
import { LoaderStore } from '../io/files/loader-store.ts'
import { openFile } from '../io/files/open-file.ts'
import { openFolder } from '../io/files/open-folder.ts'
import { openDatabase } from '../io/sqlite/database.ts'
import { SqliteJobJournal } from '../io/sqlite/job-journal.ts'
import { KnownTerminals } from '../io/sqlite/known-terminals.ts'
import { TrustAnchors } from '../io/sqlite/trust-anchors.ts'
import { VerifiedRoms } from '../io/sqlite/verified-roms.ts'
import { watchTcpEndpoints } from '../io/tcp/tcp-source.ts'
import { loadSystemUsb } from '../io/usb/system-backend.ts'
import { type LoadUsbBackend, watchUsb } from '../io/usb/usb-watch.ts'
import { createWorkshop } from '../io/workers/workshop.ts'
import { openAdbSession } from '../terminals/adb/session.ts'
import { createDiscovery } from '../terminals/discovery.ts'
import { openFastbootSession } from '../terminals/fastboot/session.ts'
import type { BenchDiscovery, RebootTarget, Sighting, TerminalSession } from '../terminals/types.ts'
import { edlOpener } from './edl-opener.ts'

export interface BenchOptions {
  readonly data: string
  /** Network endpoints to look at, `tcp:host:port`. */
  readonly endpoints?: readonly string[]
  /** The machine's USB, or a simulated bench. */
  readonly usb?: LoadUsbBackend
  /** Further buses beside it, such as a simulated one on request. */
  readonly moreUsb?: readonly LoadUsbBackend[]
  readonly patience?: Partial<Patience>
  /** Goes through a running adb server where that holds the terminal. */
  readonly throughAdbServer?: boolean
  /** Paths of the technician's programmers for EDL; those used before are remembered. */
  readonly loaders?: readonly string[]
}

export interface Bench {
  readonly data: string
  readonly reports: string
  readonly journal: SqliteJobJournal
  readonly known: KnownTerminals
  readonly anchors: TrustAnchors
  readonly workshop: Workshop
  readonly backups: FileBackupStore
  /** Whether there is any programmer with which a terminal in EDL could be opened. */
  readonly opensEdl: boolean
  /** Looks at the ports from the first call on. */
  discovery(): BenchDiscovery
  /** Looks at the ports of a system that does not announce changes, and at what could not be opened before. */
  lookAgain(signal: AbortSignal): Promise<void>
  engine(emit: (event: JobEvent) => void): Engine
  /** Facts of a terminal in every mode that has something to tell; see `survey`. */
  survey(options: Omit<SurveyOptions, 'patience'>): Promise<Readings>
  /** Facts of a terminal in the mode it is in; see `readOnce`. */
  read(sighting: Sighting, options: Omit<JourneyOptions, 'patience'>): Promise<TerminalFacts>
  /** A session with a terminal in the mode it is in; see `openOnce`. */
  session(sighting: Sighting, options: Omit<JourneyOptions, 'patience'>): Promise<TerminalSession>
  openFile(path: string): Promise<ByteSource>
  /** Takes a terminal into another mode; see `goToMode`. */
  goTo(sighting: Sighting, to: RebootTarget, options: Omit<JourneyOptions, 'patience'>): Promise<Arrival>
  /** @param flavour which variant is meant, of a package that holds several. */
  open(path: string, signal: AbortSignal, flavour?: string): Promise<Rom>
  /** From now on terminals in EDL may be opened with the programmers that the package brings. */
  keepLoadersOf(rom: Rom): Promise<void>
  /** What the package says of itself with every digest checked, and the verdict on it by the keys that are trusted now; a file that was
   * verified before is not read again. */
  verify(
    rom: Rom,
    options: { readonly signal: AbortSignal; readonly onProgress: (done: number, total: number) => void },
  ): Promise<RomInfo>
  freeBytes(): Promise<number>
  close(): Promise<void>
}

/** How long one look at the ports may take, in milliseconds. */
const LOOK_MS = 5_000

export function openBench(options: BenchOptions): Bench {
  const data = resolve(options.data)
  const database = openDatabase(join(data, 'bench.sqlite'))
  const journal = new SqliteJobJournal(database)
  const verified = new VerifiedRoms(database)
  const known = new KnownTerminals(database)
  const anchors = new TrustAnchors(database)
  const backups = new FileBackupStore(join(data, 'backups'))
  const edl = edlOpener(options.loaders ?? [], new LoaderStore(join(data, 'loaders')))
  const workshop = createWorkshop()
  let discovery: BenchDiscovery | undefined
  const look = () => {
    discovery ??= createDiscovery([
      watchUsb(options.usb ?? loadSystemUsb),
      ...(options.moreUsb ?? []).map(watchUsb),
      watchTcpEndpoints(options.endpoints ?? []),
    ])
    return discovery
  }
  const open = (path: string, signal: AbortSignal, flavour?: string) =>
    openRom(resolve(path), { openFile, openFolder, workshop, flavour }, signal)
  const adb = {
    credentials: adbKeyStore({ dataFolder: data }),
    server: adbServer(),
    throughServer: options.throughAdbServer,
  }
  const openers = (): SessionOpeners => ({
    discovery: look(),
    openSession: openFastbootSession,
    openAdb: (sighting, o) => openAdbSession(sighting, { ...o, ...adb }),
    openEdl: edl.any ? (sighting, o) => edl.open(sighting, look(), o) : undefined,
    memory: known,
  })
  return {
    data,
    reports: join(data, 'reports'),
    journal,
    known,
    anchors,
    workshop,
    backups,
    get opensEdl() {
      return edl.any
    },
    discovery: look,
    async lookAgain(signal) {
      await look().scan({ signal, deadline: Deadline.after(LOOK_MS) })
    },
    engine: (emit) =>
      new Engine({
        journal,
        workshop,
        backups,
        emit,
        ...openers(),
        openRom: open,
        openFile,
        now: () => new Date(),
        patience: options.patience,
      }),
    survey: (o) => survey(openers(), { ...o, patience: options.patience }),
    session: (sighting, o) => openOnce(openers(), sighting, { ...o, patience: options.patience }),
    openFile,
    read: (sighting, o) => readOnce(openers(), sighting, { ...o, patience: options.patience }),
    goTo: (sighting, to, o) => goToMode(openers(), sighting, to, { ...o, patience: options.patience }),
    open,
    keepLoadersOf: (rom) => edl.use(rom),
    async verify(rom, { signal, onProgress }) {
      const { path, fingerprint } = rom.info
      let known = await verified.find(path, fingerprint)
      if (known === undefined) {
        const progress = ({ done, total }: VerifyProgress) => onProgress(done, total)
        const { info, evidence } = await verifyRom(rom, { signal, workshop, onProgress: progress })
        known = { info, evidence }
        await verified.remember(path, known, new Date())
      }
      return { ...known.info, trust: judge(known.evidence, anchors.list()) }
    },
    freeBytes: () => freeSpace(data),
    async close() {
      await discovery?.close()
      await workshop.close()
      database.close()
    },
  }
}
