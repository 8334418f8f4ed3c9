// Who has which device file open, and which programs run that matter to terminals, from procfs (proc(5)).
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Holder } from '../../core/doctor/inspection.ts'
import { textFile } from './small-files.ts'

/** adb(1): where its server listens unless told otherwise. */
const ADB_PORT = 5037
/** Of /proc/net/tcp: TCP_LISTEN. */
const LISTENING = '0A'

export interface Processes {
  readonly holders: readonly Holder[]
  /** Processes whose open files this user may not see. */
  readonly hidden: number
  readonly modemManager: { readonly pid: number } | undefined
  readonly adbServer: { readonly pid: number | undefined } | undefined
}

/** @param wanted device files whose holders are looked for.
 * @param self a process that is not a holder: our own. */
export async function readProcesses(
  root: string,
  wanted: ReadonlySet<string>,
  self: number = process.pid,
): Promise<Processes> {
  const names = await readdir(join(root, 'proc')).catch((): string[] => [])
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const holders: Holder[] = []
  let hidden = 0
  let modemManager: Processes['modemManager']
  let adb: number | undefined
  // One after the other: a host may have thousands, and their open files count against our own limit.
  for (const pid of pids.filter((one) => one !== self)) {
    const folder = join(root, 'proc', String(pid))
    const name = (await textFile(folder, 'comm')) ?? 'unknown'
    if (name === 'ModemManager') modemManager = { pid }
    if (name === 'adb' && (await textFile(folder, 'cmdline'))?.includes('fork-server')) adb = pid
    const files = await openFiles(join(folder, 'fd'))
    if (files === undefined) hidden += 1
    for (const file of files ?? []) if (wanted.has(file)) holders.push({ pid, name, file })
  }
  const listens = await adbListens(root)
  return {
    holders,
    hidden,
    modemManager,
    adbServer: adb !== undefined || listens ? { pid: adb } : undefined,
  }
}

/** Each once; undefined when they may not be seen. A process that has ended has none. */
async function openFiles(folder: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const names = await readdir(folder)
    const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')))
    return new Set(targets)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : new Set()
  }
}

async function adbListens(root: string): Promise<boolean> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => textFile(root, 'proc/net', name)))
  return tables.some((table) => table !== undefined && listensOn(table, ADB_PORT))
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st …`, the address as hexadecimal `ADDRESS:PORT`. */
export function listensOn(table: string, port: number): boolean {
  return table.split('\n').some((line) => {
    const [, local, , state] = line.trim().split(/\s+/)
    return state === LISTENING && Number.parseInt(local?.split(':')[1] ?? '', 16) === port
  })
}
