// The window's end of the contract: a gap is never guessed over, a broken connection is told and mended.
import { describe, expect, it } from 'vitest'
import { EngineBench, portPair, TestWindow } from '../../test/engine-bench.ts'
import { BenchClient, type BenchEvent, type WirePort } from './bench-api.ts'
import { CONTRACT_VERSION, FIRST_SETTINGS, type HostMessage, NO_FIRMWARE, RESYNC } from './contract.ts'

const STATE = {
  host: { kind: 'station', version: '1', platform: 'test' },
  ...{ bays: [], jobs: [], roms: [], notices: [], log: [], settings: FIRST_SETTINGS, firmware: NO_FIRMWARE },
  update: { phase: 'unsupported' },
  session: { active: false, policy: 'seamless', wipe: false, countdown: 5, bays: [] },
} as const
const snapshot = (seq: number) => ({ type: 'snapshot', contract: CONTRACT_VERSION, seq, state: STATE })
const changes = (seq: number) => ({ type: 'changes', seq, changes: [{ kind: 'bay-gone', id: 'a' }] })
const settle = () => new Promise((resolve) => setTimeout(resolve, 5))

/** A host that says what the test wants, and hears what is asked. */
function scripted() {
  const asked: { readonly id: number; readonly command: string }[] = []
  const events: BenchEvent[] = []
  let host: WirePort | undefined
  let opened = 0
  const client = new BenchClient(async () => {
    const [own, window] = portPair()
    host = own
    opened += 1
    own.onMessage((text) => asked.push(JSON.parse(text)))
    return window
  })
  client.subscribe((event) => events.push(event))
  const say = async (message: unknown): Promise<void> => {
    host?.send(
      typeof message === 'string' ? message : JSON.stringify(message satisfies unknown as HostMessage),
    )
    await settle()
  }
  return { client, asked, events, say, hangUp: () => host?.close(), opened: () => opened }
}

describe('a window', () => {
  it('takes changes in order, and asks for all of it where one is missing', async () => {
    const { client, asked, events, say } = scripted()
    await settle()
    await say(snapshot(7))
    await say(changes(8))
    expect(events.map(({ type }) => type)).toEqual(['connection', 'snapshot', 'changes'])
    await say(changes(10))
    expect(asked.map(({ command }) => command)).toEqual([RESYNC])
    await say(changes(11))
    expect(events.length).toBe(3)
    await say(snapshot(12))
    await say(changes(13))
    expect(events.slice(3).map(({ type }) => type)).toEqual(['connection', 'snapshot', 'changes'])
    client.close()
  })

  it('does not take what it does not understand', async () => {
    const { client, asked, events, say } = scripted()
    await settle()
    for (const nonsense of [
      '',
      '{',
      '[]',
      '{"type":"snapshot"}',
      JSON.stringify({ ...snapshot(1), contract: 99 }),
    ])
      await say(nonsense)
    expect(events).toEqual([])
    expect(new Set(asked.map(({ command }) => command))).toEqual(new Set([RESYNC]))
    const answer = client.call('log.read', { limit: 1 }).catch((error: unknown) => error)
    await settle()
    await say({ type: 'reply', id: asked.at(-1)?.id, result: { lines: 'none' } })
    expect(await answer).toMatchObject({ code: 'message-invalid' })
    client.close()
  })

  it('tells when the connection breaks, and connects again', async () => {
    const { client, events, say, hangUp, opened } = scripted()
    await settle()
    await say(snapshot(1))
    const answer = client.call('log.read', { limit: 1 })
    hangUp()
    await expect(answer).rejects.toMatchObject({ code: 'bench-unreachable' })
    expect(events.at(-1)).toEqual({ type: 'connection', open: false })
    await expect(client.call('log.read', { limit: 1 })).rejects.toMatchObject({ code: 'bench-unreachable' })
    await expect.poll(opened, { timeout: 10_000 }).toBe(2)
    client.close()
  })
})

it('two windows of one bench show the same, whenever they came', async () => {
  const bench = new EngineBench()
  const early = new TestWindow(bench)
  await early.until(() => true)
  await early.client.call('settings.set', { operator: 'Ana', theme: 'dark' })
  const late = new TestWindow(bench)
  await late.until(({ settings }) => settings.operator === 'Ana')
  await early.until(({ settings }) => settings.theme === 'dark')
  expect(late.state).toEqual(early.state)
  early.client.close()
  late.client.close()
  await bench.close()
})
