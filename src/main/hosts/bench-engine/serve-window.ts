// One window on the contract: a snapshot first, then changes; every request is checked before anything is done.
import type { WirePort } from '../../../shared/bench-api.ts'
import {
  COMMANDS,
  CONTRACT_VERSION,
  type CommandName,
  type HostMessage,
  isCommand,
  MESSAGE_LIMIT,
  type Params,
  RESYNC,
  type Request,
  type Result,
  requestSchema,
} from '../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { noticeOf } from '../bench-view.ts'
import { type BenchEngine, SNAPSHOT_LINES } from './bench-engine.ts'
import { HANDLERS } from './commands.ts'
import { checkGate } from './supervisor/gates.ts'
import { WindowRole } from './supervisor/window-role.ts'
import { clippedNotice } from './views.ts'

/** Requests of one window that may be under way; a window that asks for more is not one of ours. */
const MOST_AT_ONCE = 64

/** Serves a window until its port closes. @returns the way to stop. */
export function serveWindow(engine: BenchEngine, port: WirePort): () => void {
  const send = (message: HostMessage): void => port.send(JSON.stringify(message))
  const sendSnapshot = (): void => {
    const { seq, state } = engine.model.snapshot()
    const log = state.log.slice(-SNAPSHOT_LINES)
    send({ type: 'snapshot', contract: CONTRACT_VERSION, seq, state: { ...state, log } })
  }
  let underWay = 0
  let open = true
  const role = new WindowRole({
    supervisor: engine.supervisor,
    log: engine.log,
    tell: (view) => {
      if (open) send({ type: 'role', role: view })
    },
  })
  const fail = (id: number, thrown: unknown): void => {
    const error = clippedNotice(noticeOf(asSlotbenchError(thrown)))
    if (open) send({ type: 'failure', id, error })
  }
  const receive = async (text: string): Promise<void> => {
    const { request, id, error } = requestIn(text)
    if (request === undefined) {
      fail(id, error)
      return
    }
    if (request.command === RESYNC) {
      sendSnapshot()
      send({ type: 'role', role: role.view })
      return
    }
    if (underWay >= MOST_AT_ONCE) {
      fail(request.id, new SlotbenchError('message-invalid', 'too many requests at once'))
      return
    }
    underWay += 1
    try {
      const result = await execute(engine, role, request)
      if (open) send({ type: 'reply', id: request.id, result })
    } catch (thrown) {
      fail(request.id, thrown)
    } finally {
      underWay -= 1
    }
  }
  sendSnapshot()
  send({ type: 'role', role: role.view })
  const stopFollowing = engine.model.follow(({ seq, changes }) =>
    send({ type: 'changes', seq, changes: [...changes] }),
  )
  port.onMessage((text) => void receive(text))
  const stop = (): void => {
    open = false
    role.end()
    stopFollowing()
  }
  port.onClose(stop)
  return stop
}

type Heard =
  | { readonly request: Request; readonly id: number; readonly error?: undefined }
  /** `id` 0 where the message does not even say which request it was. */
  | { readonly request?: undefined; readonly id: number; readonly error: SlotbenchError }

function requestIn(text: string): Heard {
  if (text.length > MESSAGE_LIMIT.toHost) {
    const detail = `a message of ${text.length} characters is too long`
    return { id: 0, error: new SlotbenchError('message-invalid', detail) }
  }
  const said = parse(text)
  const parsed = requestSchema.safeParse(said)
  if (parsed.success) return { request: parsed.data, id: parsed.data.id }
  const named = requestSchema.pick({ id: true }).strip().safeParse(said)
  const error = new SlotbenchError('message-invalid', 'a message is no request', { cause: parsed.error })
  return { id: named.success ? named.data.id : 0, error }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws SlotbenchError `message-invalid` for an unknown command or parameters that it does not take, and what the command throws. */
async function execute(
  engine: BenchEngine,
  role: WindowRole,
  { command, params }: Request,
): Promise<unknown> {
  if (!isCommand(command)) throw new SlotbenchError('message-invalid', `there is no command ${command}`)
  return run(engine, role, { command, params })
}

async function run<N extends CommandName>(
  engine: BenchEngine,
  role: WindowRole,
  { command, params }: { readonly command: N; readonly params: unknown },
): Promise<Result<N>> {
  const { params: paramsSchema, result: resultSchema } = COMMANDS[command]
  const parsed = paramsSchema.safeParse(params)
  if (!parsed.success)
    throw new SlotbenchError('message-invalid', `${command}: ${firstIssue(parsed.error.issues)}`)
  const known = parsed.data as Params<N>
  checkGate(engine, role, { command, params: known })
  const result = await HANDLERS[command](engine, known, role)
  // What leaves is checked as what comes: a window never gets what it cannot read.
  const checked = resultSchema.safeParse(result)
  if (checked.success) return checked.data as Result<N>
  throw new SlotbenchError('internal', `the answer to ${command} is not as promised`, {
    cause: checked.error,
  })
}

function firstIssue(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  const [issue] = issues
  return issue === undefined
    ? 'not understood'
    : `${issue.path.map(String).join('.')} ${issue.message}`.trim()
}
