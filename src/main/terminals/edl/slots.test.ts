// Slots, tables and their copies on a terminal in EDL, with the power cut at every sector.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { held, LAYOUT, pair, phone, put, UNUSED } from '../../../../test/edl-terminal.ts'
import { type DoubleOptions, FirehoseDouble, type MemoryStorage } from '../../../../test/firehose-double.ts'
import { requireTool } from '../../../../test/tools.ts'
import type { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import type { BayId, Slot } from '../../../shared/units.ts'
import {
  BOOTLOADER_CONTROL_OFFSET,
  encodeBootloaderControl,
  parseBootloaderControl,
} from '../../core/formats/bootctl.ts'
import { type GptTable, readGpt } from '../../core/formats/gpt.ts'
import { edlSession } from './session.ts'

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(60_000) })
const origin = {
  ...{ bay: 'usb:1-1' as BayId, chipSerial: undefined },
  ...{ hwId: undefined, pkHash: undefined },
}

async function open(storage: MemoryStorage, options: DoubleOptions = {}) {
  const firehose = new FirehoseDouble(storage, options)
  return { firehose, session: await edlSession(firehose, origin, io()) }
}

const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: SlotbenchError) => error,
  )

async function tableOn(storage: MemoryStorage, lun: number) {
  const bytes = storage.bytes(lun)
  const size = storage.sectorSize === 512 ? 512 : 4096
  return await readGpt(async (at, length) => bytes.subarray(at, at + length), size, bytes.length / size)
}

/** As the chain of a Qualcomm terminal decides: the bootloader by the attributes of boot, readers by whatever copy of a table is whole
 * (zte-domain §4.3). Throws where a LUN has no whole copy. */
async function bootedSlot(storage: MemoryStorage): Promise<Slot> {
  for (const lun of storage.luns.keys()) await tableOn(storage, lun)
  const { table } = await tableOn(storage, 4)
  const active = table.entries.filter(
    ({ name, attributes }) => /^boot_[ab]$/.test(name) && (attributes >> 50n) & 1n,
  )
  expect(active).toHaveLength(1)
  // In the table that decides, firmware and boot change together.
  for (const { name, typeGuid } of table.entries.filter((entry) => /_[ab]$/.test(entry.name)))
    expect(typeGuid === UNUSED).toBe(!name.endsWith(active[0]?.name.slice(-2) ?? '?'))
  return active[0]?.name === 'boot_b' ? 'b' : 'a'
}

describe('switching the slot', () => {
  it('changes tables, copies, checksums and boot LUN, and the facts follow', async () => {
    const storage = phone()
    const { session, firehose } = await open(storage)
    expect(session.facts.currentSlot?.value).toBe('a')
    expect(session.can.setActive).toBe(true)
    await session.setActive('b', io())
    expect(session.facts.currentSlot).toEqual({ value: 'b', source: 'attributes of boot_a and boot_b' })
    expect(session.facts.slots.b).toMatchObject({ successful: { value: false }, retryCount: { value: 7 } })
    expect(storage.bootLun).toBe(2)
    for (const lun of [1, 2, 4])
      expect(await tableOn(storage, lun)).toMatchObject({ primary: 'valid', backup: 'valid' })
    expect(await bootedSlot(storage)).toBe('b')
    // Backup before primary, the deciding LUN last, the boot LUN after everything.
    const programs = firehose.commands.filter((command) => /^(program|boot-drive)/.test(command))
    expect(programs.map((command) => command.replace(/\+.*/, ''))).toEqual([
      ...[1, 2, 4].flatMap((lun) => {
        const backup = storage.bytes(lun).length / 4096 - 5
        return [`program ${lun}:${backup}`, `program ${lun}:1`]
      }),
      'boot-drive 2',
    ])
  })

  it('leaves tables that sgdisk finds nothing wrong with', async (test) => {
    const sgdisk = requireTool('sgdisk', test)
    // What it takes the sectors of a file for.
    const storage = phone(512)
    await (await open(storage)).session.setActive('b', io())
    const folder = mkdtempSync(join(tmpdir(), 'slotbench-edl-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const [lun, bytes] of storage.luns) {
      const path = join(folder, `lun${lun}`)
      writeFileSync(path, bytes)
      expect(execFileSync(sgdisk, ['-v', path], { encoding: 'utf8' })).toContain('No problems found')
    }
  })

  it.each(['old', 'half'] as const)(
    'can be cut at every sector (the torn one: %s) and made again, to either side',
    async (torn) => {
      const whole = phone()
      const { firehose, session: uncut } = await open(whole.fork())
      await uncut.setActive('b', io())
      const states: Slot[] = []
      for (let cutAt = 1; cutAt <= firehose.written; cutAt++) {
        const storage = whole.fork()
        const cut = await open(storage, { cutAt, torn })
        expect(await thrownBy(cut.session.setActive('b', io()))).toMatchObject({ code: 'terminal-gone' })
        states.push(await bootedSlot(storage))
        for (const slot of ['b', 'a'] as const) {
          const resumed = storage.fork()
          const { session } = await open(resumed)
          await session.setActive(slot, io())
          expect(await bootedSlot(resumed)).toBe(slot)
          expect(resumed.bootLun).toBe(slot === 'b' ? 2 : 1)
          for (const lun of resumed.luns.keys())
            expect(await tableOn(resumed, lun)).toMatchObject({ primary: 'valid', backup: 'valid' })
          expect(session.facts.currentSlot?.source).not.toContain('half')
        }
      }
      // Once it has changed, it does not change back.
      expect(states.join('')).toMatch(/^a+b+$/)
    },
    60_000,
  )

  it('survives a second cut while the first one is repaired', async () => {
    const whole = phone()
    for (let first = 1; first <= 30; first += 3) {
      const once = whole.fork()
      await thrownBy((await open(once, { cutAt: first, torn: 'half' })).session.setActive('b', io()))
      for (let second = 1; second <= 12; second += 2) {
        const storage = once.fork()
        const again = await open(storage, { cutAt: second, torn: 'half' })
        await thrownBy(again.session.setActive(second % 4 === 1 ? 'a' : 'b', io()))
        await bootedSlot(storage)
        await (await open(storage)).session.setActive('b', io())
        expect(await bootedSlot(storage)).toBe('b')
      }
    }
  }, 60_000)

  it('costs no write where all is as wanted', async () => {
    const storage = phone()
    await (await open(storage)).session.setActive('b', io())
    const { session, firehose } = await open(storage)
    await session.setActive('b', io())
    expect(firehose.written).toBe(0)
    expect(firehose.of('boot-drive')).toEqual(['boot-drive 2'])
  })

  it('puts the tables back where the programmer does not choose the boot LUN', async () => {
    const storage = phone()
    const before = storage.fork()
    const { session } = await open(storage, { noBootDrive: true })
    expect(await thrownBy(session.setActive('b', io()))).toMatchObject({ code: 'terminal-refused' })
    for (const [lun, bytes] of storage.luns) expect(Buffer.compare(bytes, before.bytes(lun))).toBe(0)
    expect(session.facts.currentSlot?.value).toBe('a')
  })

  it('stops where the storage does not keep what is written, with one good copy left', async () => {
    const storage = phone()
    const last = storage.bytes(4).length / 4096 - 1
    const { session } = await open(storage, { stuck: (lun, sector) => lun === 4 && sector === last })
    expect(await thrownBy(session.setActive('b', io()))).toMatchObject({ code: 'storage-unreliable' })
    expect(await bootedSlot(storage)).toBe('a')
    expect((await tableOn(storage, 4)).primary).toBe('valid')
  })

  it('is not begun while the table of a boot LUN cannot be read', async () => {
    const storage = phone()
    storage.bytes(2).fill(0)
    const { session, firehose } = await open(storage)
    expect(await thrownBy(session.setActive('b', io()))).toMatchObject({ code: 'gpt-invalid' })
    expect(firehose.written).toBe(0)
  })

  it('is written to misc where slots are kept there', async () => {
    const layout = {
      ...LAYOUT,
      4: pair('boot', 65536, 3).map((one) => ({ ...one, attributes: 0n })),
      1: [],
      2: [],
    }
    const storage = phone(4096, layout)
    const slot = (priority: number) => ({
      priority,
      triesRemaining: 7,
      successful: true,
      verityCorrupted: false,
    })
    const control = { suffix: '_a', version: 1, slotCount: 2, recoveryTries: 0, mergeStatus: 0 }
    const record = encodeBootloaderControl({ ...control, slots: [slot(15), slot(14)] })
    put(storage, layout, 'misc', record, BOOTLOADER_CONTROL_OFFSET)
    const { session, firehose } = await open(storage, { memory: 'ufs' })
    expect(session.facts.currentSlot).toEqual({ value: 'a', source: 'bootloader control in misc' })
    await session.setActive('b', io())
    expect(session.facts.currentSlot?.value).toBe('b')
    expect(firehose.of('boot-drive')).toEqual([])
    const misc = held(storage, 'misc', layout)
    expect(parseBootloaderControl(misc.subarray(BOOTLOADER_CONTROL_OFFSET)).suffix).toBe('_b')
  })
})

describe('writing a table', () => {
  const changed = (table: GptTable): GptTable => ({
    ...table,
    entries: table.entries.map((entry) =>
      entry.name === 'userdata' ? { ...entry, lastLba: entry.lastLba + 8 } : entry,
    ),
  })

  it('replaces both copies, and disks and facts follow', async () => {
    const storage = phone()
    const { session } = await open(storage)
    const table = session.disks.find(({ lun }) => lun === 0)?.table
    if (table === undefined) return expect.unreachable()
    await session.writeTable(0, changed(table), io())
    expect((await tableOn(storage, 0)).table).toEqual(changed(table))
    expect(session.facts.partitions['userdata']?.size).toBe(256 * 1024 + 8 * 4096)
  })

  it('repairs the copy that is damaged without touching the good one first', async () => {
    for (const damaged of ['primary', 'backup'] as const) {
      const storage = phone()
      const lun0 = storage.bytes(0)
      lun0.fill(
        0,
        damaged === 'primary' ? 4096 : lun0.length - 4096,
        damaged === 'primary' ? 8192 : lun0.length,
      )
      const { session, firehose } = await open(storage)
      const disk = session.disks.find(({ lun }) => lun === 0)
      if (disk?.table === undefined) return expect.unreachable()
      expect(disk[damaged]).toBe('no GPT signature')
      expect(session.facts.edl?.luns[0]?.[damaged]).toBe('no GPT signature')
      await session.writeTable(0, disk.table, io())
      expect(session.disks[0]).toMatchObject({ primary: 'valid', backup: 'valid' })
      expect(firehose.of('program')).toHaveLength(1)
    }
  })

  it('makes a table on a LUN that has none, with a protective MBR', async () => {
    const storage = phone()
    const { session } = await open(storage)
    const table = session.disks.find(({ lun }) => lun === 4)?.table
    storage.bytes(4).fill(0)
    await session.refresh(io())
    expect(session.disks.find(({ lun }) => lun === 4)?.table).toBeUndefined()
    if (table === undefined) return expect.unreachable()
    await session.writeTable(4, table, io())
    expect((await tableOn(storage, 4)).table).toEqual(table)
    expect([storage.bytes(4)[510], storage.bytes(4)[511]]).toEqual([0x55, 0xaa])
  })

  it('refuses a table for another disk, and one that moves what belongs to the terminal', async () => {
    const storage = phone()
    const { session, firehose } = await open(storage)
    const table = session.disks.find(({ lun }) => lun === 0)?.table
    if (table === undefined) return expect.unreachable()
    const other = { ...table, diskSectors: table.diskSectors - 1, lastUsable: table.lastUsable - 1 }
    expect(await thrownBy(session.writeTable(0, other, io()))).toMatchObject({ code: 'gpt-invalid' })
    const without = { ...table, entries: table.entries.filter(({ name }) => name !== 'persist') }
    expect(await thrownBy(session.writeTable(0, without, io()))).toMatchObject({
      code: 'partition-protected',
    })
    expect(await thrownBy(session.writeTable(9, table, io()))).toMatchObject({ code: 'terminal-refused' })
    expect(firehose.written).toBe(0)
    await session.writeTable(0, without, { ...io(), restore: true })
    expect(session.facts.partitions['persist']).toBeUndefined()
  })
})
