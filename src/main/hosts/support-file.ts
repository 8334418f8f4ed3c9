// A support bundle as one file: what this computer and this bench add to it, and the zip archive.
import { mkdir, writeFile } from 'node:fs/promises'
import { homedir, hostname, release, userInfo } from 'node:os'
import { join } from 'node:path'
import type { LogLine } from '../../shared/contract-log.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Job } from '../../shared/job.ts'
import type { SupportFile } from '../../shared/support.ts'
import { examine } from '../core/doctor/examine.ts'
import { zipBytes } from '../core/formats/zip-writer.ts'
import { type SupportBundle, supportBundle } from '../core/support/bundle.ts'
import type { Secret } from '../core/support/redactor.ts'
import { folderOf } from '../core/support/secrets.ts'
import { inspectHost } from '../io/host/inspect-host.ts'
import type { Bench } from './bench.ts'
import { resourceFile } from './resource-file.ts'
import { VERSION } from './version.ts'

export interface SupportRequest {
  readonly jobs: readonly string[]
  readonly log: readonly LogLine[] | undefined
  /** Names that the bench keeps. */
  readonly operators: readonly string[]
}

/** @throws SlotbenchError `job-not-found`, `journal-invalid`. */
export async function gatherSupport(bench: Bench, request: SupportRequest): Promise<SupportBundle> {
  const jobs = request.jobs.map((id) => bench.journal.get(id))
  // A bench that cannot be examined is one of those that need help.
  const host = await inspectHost(resourceFile('udev/51-slotbench.rules')).catch(() => undefined)
  return supportBundle({
    jobs,
    log: request.log,
    doctor: host && examine(host),
    versions: {
      slotbench: VERSION,
      ...Object.fromEntries(Object.entries(process.versions).map(([name, version]) => [name, version ?? ''])),
      system: `${process.platform} ${process.arch} ${release()}`,
    },
    secrets: [
      ...request.operators.map((value) => ({ kind: 'operator', value }) as const),
      ...seenSerials(bench, jobs),
      ...ofThisComputer(bench.data),
    ],
    createdAt: new Date().toISOString(),
  })
}

/** Terminals that an error or a line of the log may name besides the job's own. */
function seenSerials(bench: Bench, jobs: readonly Job[]): readonly Secret[] {
  const known = jobs.flatMap(({ plan }) => bench.known.candidates({ bay: plan.terminal.bay }))
  const serials = [
    ...bench.journal.list().map(({ serial }) => serial),
    ...known.flatMap(({ serial, chipSerial }) => [serial, chipSerial]),
  ]
  return serials.flatMap((value) => (value === undefined ? [] : [{ kind: 'serial', value }]))
}

/** Names that a whole kind of systems has in common. */
const NO_NAMES: ReadonlySet<string> = new Set(['root', 'user', 'admin', 'administrator', 'localhost', 'node'])

function ofThisComputer(data: string): readonly Secret[] {
  const named = (kind: Secret['kind'], value: string): readonly Secret[] =>
    value.length < 2 || NO_NAMES.has(value.toLowerCase()) ? [] : [{ kind, value }]
  return [
    ...named('host', hostname()),
    ...named('user', userName()),
    { kind: 'home', value: homedir() },
    { kind: 'folder', value: data },
    ...folderOf(process.execPath),
  ]
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a number that has no name.
    return ''
  }
}

export async function zipSupport(files: readonly SupportFile[]): Promise<Buffer> {
  const members = files.map(({ name, text }) => ({ name, content: Buffer.from(text), compress: true }))
  const pieces: Uint8Array[] = []
  for await (const piece of zipBytes(members)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** @throws SlotbenchError `host-io`. */
export async function saveSupport(path: string, zip: Uint8Array): Promise<void> {
  try {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, zip)
  } catch (cause) {
    throw new SlotbenchError('host-io', `${path} cannot be written`, { cause })
  }
}
