// Changes to super through fastbootd: each can be repeated, is asked about afterwards, and fails with a code that says why.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { BootloaderDouble } from '../../../../test/bootloader-double.ts'
import { fixture } from '../../../../test/fixtures.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { type BayId, bytes, partitionName } from '../../../shared/units.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { RebootTarget } from '../types.ts'
import { openFastbootSession } from './session.ts'

const MIB = 1024 * 1024
const system = partitionName('system_b')
const workshop = createWorkshop({ width: 1 })
afterAll(() => workshop.close())
const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(20_000) })

interface Options {
  readonly variables?: Readonly<Record<string, string>>
  readonly readable?: Readonly<Record<string, Uint8Array>>
  /** What the terminal says instead of doing it. */
  readonly refuse?: (command: string) => string | undefined
}

/** fastbootd with a table of logical partitions that its commands change, as AOSP's does. */
async function fastbootd(held: Readonly<Record<string, number>>, options: Options = {}) {
  const table = new Map(Object.entries(held))
  const answer = (command: string): string | undefined => {
    const refused = options.refuse?.(command)
    if (refused !== undefined) return refused
    const [word = '', name = '', size = ''] = command.split(':')
    const asked = /^getvar:(partition-size|is-logical):(.+)$/.exec(command)
    if (asked) {
      const found = table.get(asked[2] ?? '')
      if (found === undefined) return 'FAILno such partition'
      return `OKAY${asked[1] === 'is-logical' ? 'yes' : `0x${found.toString(16)}`}`
    }
    if (word === 'create-logical-partition') {
      if (table.has(name)) return 'FAILPartition already exists'
      table.set(name, Number(size))
    } else if (word === 'resize-logical-partition') {
      if (!table.has(name)) return 'FAILPartition does not exist'
      table.set(name, Number(size))
    } else if (word === 'delete-logical-partition') table.delete(name)
    else return undefined
    return 'OKAY'
  }
  const variables = {
    'is-userspace': 'yes',
    serialno: 'S1',
    'slot-count': '2',
    'current-slot': 'a',
    ...options.variables,
  }
  const terminal = new BootloaderDouble({ variables, readable: options.readable ?? {}, onCommand: answer })
  const session = await openFastbootSession(
    {
      bay: 'usb:1-2' as BayId,
      mode: 'bootloader',
      protocol: 'fastboot',
      serial: 'S1',
      product: undefined,
      usb: undefined,
      problem: undefined,
      open: async () => terminal,
    },
    io(),
  )
  const changes = () => terminal.commands.filter((c) => /^(create|resize|delete|update|snapshot)/.test(c))
  return { terminal, session, table, changes }
}

async function errorOf(work: Promise<unknown>): Promise<SlotbenchError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof SlotbenchError) return thrown
  throw new Error(`not ours: ${String(thrown)}`)
}

describe('logical partitions', () => {
  it('are made when missing, resized when there, and left alone when right', async () => {
    const { session, table, changes } = await fastbootd({ vendor_b: MIB })
    await session.resizeLogical(system, bytes(3 * MIB), io())
    await session.resizeLogical(system, bytes(3 * MIB), io())
    await session.resizeLogical(partitionName('vendor_b'), bytes(4096), io())
    expect(changes()).toEqual([
      'create-logical-partition:system_b:0',
      `resize-logical-partition:system_b:${3 * MIB}`,
      'resize-logical-partition:vendor_b:4096',
    ])
    expect([...table]).toEqual([
      ['vendor_b', 4096],
      ['system_b', 3 * MIB],
    ])
    expect(session.facts.partitions['system_b']).toEqual({ size: 3 * MIB, logical: true })
  })

  it('are deleted once; a second time there is nothing to do', async () => {
    const { session, changes } = await fastbootd({ 'system_b-cow': MIB })
    await session.deleteLogical(partitionName('system_b-cow'), io())
    await session.deleteLogical(partitionName('system_b-cow'), io())
    expect(changes()).toEqual(['delete-logical-partition:system_b-cow'])
    expect(session.facts.partitions['system_b-cow']).toBeUndefined()
  })

  it.each([
    ['Not enough space to resize partition', 'super-space'],
    ['Not enough space for partition', 'super-space'],
    ['No space left on device', 'super-space'],
    ['Cannot resize while a snapshot update is in progress', 'snapshot-failed'],
    ['Command not available on locked devices', 'terminal-refused'],
  ])('refused with “%s”: %s', async (words, code) => {
    const refuse = (command: string) => (command.startsWith('resize') ? `FAIL${words}` : undefined)
    const { session } = await fastbootd({ system_b: MIB }, { refuse })
    const error = await errorOf(session.resizeLogical(system, bytes(2 * MIB), io()))
    expect([error.code, error.context.terminal]).toEqual([code, 'S1'])
    expect(error.message).toContain(words)
    // A refusal is a whole answer: the session goes on.
    await session.deleteLogical(system, io())
  })

  it('are made anew where a hidden limit of their group stands in the way, and the caller has nothing to lose', async () => {
    let anew = false
    const refuse = (command: string) => {
      if (command.startsWith('create')) anew = true
      return command.startsWith('resize') && !anew ? 'FAILNot enough space to resize partition' : undefined
    }
    const { session, table } = await fastbootd({ system_b: MIB }, { refuse })
    expect((await errorOf(session.resizeLogical(system, bytes(2 * MIB), io()))).code).toBe('super-space')
    expect(table.get('system_b')).toBe(MIB)
    await session.resizeLogical(system, bytes(2 * MIB), { ...io(), orAnew: true })
    expect(table.get('system_b')).toBe(2 * MIB)
  })

  it('that did not become what the terminal agreed to are no success', async () => {
    const refuse = (command: string) => (/^(resize|delete)/.test(command) ? 'OKAY' : undefined)
    const { session } = await fastbootd({ system_b: MIB }, { refuse })
    expect((await errorOf(session.resizeLogical(system, bytes(2 * MIB), io()))).code).toBe('terminal-refused')
    expect((await errorOf(session.deleteLogical(system, io()))).code).toBe('terminal-refused')
  })

  it('are not changed by a bootloader', async () => {
    const { session, changes } = await fastbootd({}, { variables: { 'is-userspace': 'no' } })
    expect((await errorOf(session.deleteLogical(system, io()))).code).toBe('terminal-wrong-mode')
    expect(changes()).toEqual([])
  })
})

describe('updates of the terminal’s own', () => {
  it('are dropped and finished by command, and a refusal has a code of its own', async () => {
    const { session, changes } = await fastbootd({})
    await session.snapshotUpdate('cancel', io())
    await session.snapshotUpdate('merge', io())
    expect(changes()).toEqual(['snapshot-update:cancel', 'snapshot-update:merge'])
    const refuse = (command: string) =>
      command.startsWith('snapshot') ? 'FAILUnable to finish snapshot merge' : undefined
    const other = await fastbootd({}, { refuse })
    const error = await errorOf(other.session.snapshotUpdate('merge', io()))
    expect([error.code, error.message]).toEqual([
      'snapshot-failed',
      'snapshot-update:merge: Unable to finish snapshot merge',
    ])
  })
})

describe('the tables of super', () => {
  const EMPTY = new Uint8Array(readFileSync(fixture('super/super_empty.img')))

  it('are replaced by lpmake’s, in one raw download', async () => {
    const { terminal, session, changes } = await fastbootd({ system_b: MIB })
    await session.updateSuper(memoryImage(EMPTY), true, { ...io(), workshop })
    expect(terminal.commands).toContain(`download:${EMPTY.length.toString(16).padStart(8, '0')}`)
    expect(changes()).toEqual(['update-super:super:wipe'])
  })

  it('are read where fastbootd gives them out, for the slot that runs', async () => {
    const whole = new Uint8Array(2 * MIB)
    whole.set(readFileSync(fixture('super/super.img')))
    const options = {
      variables: { 'max-fetch-size': '0x100000' },
      readable: { super: whole, vbmeta_a: new Uint8Array(65536) },
    }
    const { session } = await fastbootd({}, options)
    expect(session.facts.superTables).toMatchObject({
      source: 'fetch super',
      value: {
        alignment: expect.any(Number),
        partitions: [{ name: 'system_a', group: 'default', bytes: 8192 }],
      },
    })
    await session.resizeLogical(system, bytes(4096), io())
    expect(session.facts.superTables).toBeUndefined()
  })

  it.each([
    ['that are no tables', new Uint8Array(2 * MIB)],
    ['that end too early', new Uint8Array(5000)],
  ])('%s are no fact and no failure', async (_, content) => {
    const options = { variables: { 'max-fetch-size': '0x100000' }, readable: { super: content } }
    const { session } = await fastbootd({}, options)
    expect(session.facts.superTables).toBeUndefined()
  })
})

describe('facts that only fastbootd tells', () => {
  it('are read one by one, and what is absurd is no fact', async () => {
    const { session } = await fastbootd(
      { super: 64 * MIB, system_a: MIB },
      {
        variables: {
          'super-partition-name': 'super',
          'snapshot-update-status': 'none',
          'system-fingerprint': 'nubia/NX679J:14/1',
          'security-patch-level': '2026-01-01',
          'first-api-level': '33',
        },
      },
    )
    expect(session.facts).toMatchObject({
      mode: 'fastbootd',
      superPartition: { value: 'super' },
      snapshotStatus: { value: 'none' },
      fingerprint: { value: 'nubia/NX679J:14/1' },
      partitions: { super: { size: 64 * MIB } },
      variables: { 'first-api-level': '33' },
    })
    const odd = { 'super-partition-name': '../../x y', 'slot-successful:a': 'no', 'slot-unbootable:a': 'no' }
    const absurd = await fastbootd({}, { variables: odd })
    expect(absurd.session.facts.superPartition).toBeUndefined()
    // Android 14's says the opposite of what is true.
    expect(absurd.session.facts.slots.a).toEqual({ unbootable: { value: false, source: expect.any(String) } })
  })
})

describe('restarts', () => {
  it.each(['sideload', 'edl'] as const)(
    'into %s are refused with the way there, and the session stays',
    async (to: RebootTarget) => {
      const { session, terminal } = await fastbootd({})
      const error = await errorOf(session.reboot(to, io()))
      expect(error.code).toBe('terminal-refused')
      expect(error.message).toMatch(/Apply update from ADB|both volume keys/)
      expect(terminal.commands.some((c) => c.startsWith('reboot'))).toBe(false)
      await session.deleteLogical(system, io())
    },
  )
})
