// The read model of the bench: what the host said, and nothing the page made up itself.
import { create } from 'zustand'
import { type BenchApi, BenchClient } from '../../shared/bench-api.ts'
import {
  applyChange,
  type BayView,
  type BenchState,
  type CommandName,
  type JobView,
  type Params,
  type Result,
  type RomView,
  type SessionBayView,
} from '../../shared/contract.ts'
import { asSlotbenchError } from '../../shared/errors.ts'
import type { RoleView } from '../../shared/role.ts'
import { openHostPort } from '../host-port.ts'
import { say } from './messages.ts'
import { askForSupervisor } from './unlocking.ts'

export interface BenchStore {
  /** Undefined until the host has spoken: "nothing attached" must not be shown before it is known. */
  readonly bench: BenchState | undefined
  readonly connected: boolean
  /** What this window may do. */
  readonly role: RoleView | undefined
}

export const useBench = create<BenchStore>(() => ({ bench: undefined, connected: false, role: undefined }))

let api: BenchApi | undefined

/** @param client default: the one of this page's host. */
export function connect(client: BenchApi = new BenchClient(openHostPort)): void {
  api = client
  client.subscribe((event) => {
    if (event.type === 'connection') useBench.setState({ connected: event.open })
    else if (event.type === 'role') useBench.setState({ role: event.role })
    else if (event.type === 'snapshot') useBench.setState({ bench: event.state })
    else
      useBench.setState(({ bench }) => ({
        bench: bench === undefined ? undefined : event.changes.reduce(applyChange, bench),
      }))
  })
}

/** @throws SlotbenchError as the bench says it. */
export async function ask<N extends CommandName>(command: N, params: Params<N>): Promise<Result<N>> {
  if (api === undefined) throw new Error('the page is not connected yet')
  return api.call(command, params)
}

/** Asks, with a supervisor's help where that is needed, and shows what went wrong. @returns undefined when it did. */
export async function order<N extends CommandName>(
  command: N,
  params: Params<N>,
): Promise<Result<N> | undefined> {
  try {
    return await askWithSupervisor(command, params)
  } catch (thrown) {
    const { code, message: detail, meaning, next } = asSlotbenchError(thrown)
    if (code !== 'cancelled') say({ code, detail, meaning, next })
    return undefined
  }
}

async function askWithSupervisor<N extends CommandName>(command: N, params: Params<N>): Promise<Result<N>> {
  try {
    return await ask(command, params)
  } catch (thrown) {
    const needed = asSlotbenchError(thrown).code === 'supervisor-needed'
    if (needed && (await askForSupervisor())) return ask(command, params)
    throw thrown
  }
}

/** Undefined for a bay that is not known. */
export function bayIn(bench: BenchState | undefined, id: string): BayView | undefined {
  return bench?.bays.find(({ bay }) => bay === id)
}

/** The job that a bay is about: the one that runs, else one that waits to be looked at, else the last one of what stands there. */
export function jobOn(bench: BenchState | undefined, bay: BayView | undefined): JobView | undefined {
  if (bench === undefined || bay === undefined) return undefined
  const own = bench.jobs.filter((job) => job.bay === bay.bay)
  const { serial = bay.sighting?.known?.serial, known } = bay.sighting ?? {}
  const isItsOwn = (job: JobView) =>
    (serial !== undefined && job.serial === serial) ||
    (known?.chipSerial !== undefined && job.chipSerial === known.chipSerial)
  return (
    own.find(({ state }) => state === 'running') ??
    own.find(({ acknowledged }) => !acknowledged) ??
    own.find((job) => job.state === 'done' && isItsOwn(job))
  )
}

export function placeOf(bench: BenchState | undefined, bay: string): SessionBayView | undefined {
  return bench?.session.active === true ? bench.session.bays.find((place) => place.bay === bay) : undefined
}

export function romIn(bench: BenchState | undefined, id: string | undefined): RomView | undefined {
  return bench?.roms.find((rom) => rom.id === id)
}
