// What the command line tells of one terminal, and how it takes it from mode to mode.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knownIdentitySchema } from '../../src/shared/contract.ts'
import { GUIDE_IDS } from '../../src/shared/guides.ts'
import { terminalFactsSchema } from '../../src/shared/terminal.ts'
import { CliPlace, document, lines, plain, QUICK } from './slotbench.ts'

let place: CliPlace
beforeAll(() => {
  place = new CliPlace()
})
afterAll(() => place.close())

/** A phone in its system that speaks fastboot on one port and ADB on another: the name of both together. */
async function phone(...options: string[]) {
  const adb = ['--profile', 'nx769j', '--adb-tcp', '0', '--after-boot', 'system', '--boot-ms', '100']
  const { endpoint, process } = await place.simulate(...adb, ...options)
  const [, port] = await process.saw(/"adb":"127\.0\.0\.1:(\d+)"/)
  return { bay: endpoint, name: `${endpoint},${port}`, process }
}

describe.concurrent('info', () => {
  it('shows every fact of a running system with its source, and list knows the terminal from then on', async () => {
    const { name, bay, process } = await phone('--serial', 'SYS1')
    const data = place.newData()
    const words = await place.run(data, 'info', name)
    expect(words.code, plain(words)).toBe(0)
    for (const text of [
      `${bay}  system`,
      'SYS1  (getprop ro.serialno)',
      'PQ83A01  (getprop ro.product.device)',
      'NX769J  (getprop ro.product.model)',
      '83 %  (dumpsys battery)',
      'unlocked  (getprop ro.boot.flash.locked)',
    ])
      expect(words.stdout).toContain(text)
    const listed = await place.run(data, 'list', name)
    expect(plain(listed)).toMatch(
      /^ {2}Known as PQ83A01 \(NX769J\), serial SYS1: it is on .* a moment ago\./m,
    )
    const { terminals } = document(await place.run(data, 'list', name, '--json')) as {
      terminals: { known: unknown; protocol: string }[]
    }
    expect(terminals[0]?.protocol).toBe('adb')
    expect(knownIdentitySchema.parse(terminals[0]?.known)).toMatchObject({
      ...{ names: ['PQ83A01', 'NX769J'], serial: 'SYS1' },
      caution: expect.stringContaining('proves nothing'),
    })
    expect(document(await place.run(place.newData(), 'list', name, '--json'))).toMatchObject({
      terminals: [expect.not.objectContaining({ known: expect.anything() })],
    })
    process.kill('SIGINT')
    expect((await process.finished).stdout).not.toMatch(/reboot|"command":"(download|flash|erase)/)
  })

  it('gives the facts as JSON, of a bootloader too', async () => {
    const { endpoint } = await place.simulate(...QUICK, '--serial', 'BOOT1', '--locked')
    const { facts, super: usage } = document(await place.run(place.newData(), '--json', 'info', endpoint))
    expect(terminalFactsSchema.parse(facts)).toMatchObject({
      mode: 'bootloader',
      serial: { value: 'BOOT1', source: 'getvar serialno' },
      unlocked: { value: false },
    })
    expect(usage).toBeUndefined()
  })

  it('visits bootloader and fastbootd when asked, says so, and counts super', async () => {
    const { name } = await phone()
    const data = place.newData()
    const words = await place.run(data, 'info', name, '--survey')
    expect(words.code, plain(words)).toBe(0)
    expect(words.stderr).toMatch(
      /Restarting the terminal into bootloader[\s\S]*Restarting the terminal into fastbootd/,
    )
    expect(words.stdout).toMatch(/^Super +24\.7 MB: 23\.1 MB taken, 1\.6 MB free/m)
    expect(words.stdout).toContain('Read in system, bootloader, fastbootd; the terminal stays in fastbootd.')
    const { super: usage } = document(await place.run(data, 'info', name, '--json'))
    expect(usage).toMatchObject({ size: 24_707_072, from: 'estimate' })
  })

  it('says what to do where nothing is', async () => {
    const nothing = await place.run(place.newData(), 'info', 'NOSUCH')
    expect(nothing.code).toBe(5)
    expect(plain(nothing)).toMatch(/\[terminal-not-found\][\s\S]*slotbench doctor/)
    expect((await place.run(place.newData(), 'info')).code).toBe(2)
  })
})

describe.concurrent('reboot', () => {
  it('goes from mode to mode by the terminal’s own commands', async () => {
    const { name, bay } = await phone()
    const data = place.newData()
    for (const [from, to] of [
      ['system', 'fastbootd'],
      ['fastbootd', 'bootloader'],
      ['bootloader', 'recovery'],
      ['recovery', 'system'],
      ['system', 'system'],
    ] as const) {
      const gone = await place.run(data, 'reboot', name, to)
      expect(gone.code, plain(gone)).toBe(0)
      expect(gone.stdout).toBe(`${bay}: from ${from} into ${to}.\n`)
    }
    const json = document(await place.run(data, '--json', 'reboot', name, 'bootloader'))
    expect(json).toMatchObject({ bay, from: 'system', mode: 'bootloader', facts: { mode: 'bootloader' } })
  })

  it('gives the guide where only hands lead, and says when they did not', async () => {
    const { endpoint } = await place.simulate(...QUICK)
    const data = place.newData()
    const words = await place.run(data, 'reboot', endpoint, 'edl', '--wait', '1')
    expect(words.code).toBe(5)
    expect(plain(words)).toMatch(
      /Into emergency download[\s\S]*1\. [\s\S]*It is waited for 1\.0 s\.[\s\S]*\[mode-not-reached\][\s\S]*slotbench guide/,
    )
    const json = lines(await place.run(data, '--json', 'reboot', endpoint, 'edl', '--wait', '1'))
    expect(json).toEqual([{ error: expect.objectContaining({ code: 'mode-not-reached' }) }])
  })

  it('refuses while a job works on the terminal, and a mode that there is not', async () => {
    const { endpoint } = await place.simulate(...QUICK, '--link-speed', '700KB')
    const data = place.newData()
    const rom = await place.rom()
    const flash = place.start(data, 'flash', rom, '-t', endpoint, '--yes')
    await flash.saw(/Write system_b {2}\d+ %|\[2\/26\]/)
    const [refused, unread] = await Promise.all([
      place.run(data, 'reboot', endpoint, 'system'),
      place.run(data, 'info', endpoint),
    ])
    for (const { code, stderr } of [refused, unread]) {
      expect(stderr).toContain('[job-busy]')
      expect(code).toBe(8)
    }
    expect((await flash.finished).code).toBe(0)
    expect((await place.run(data, 'reboot', endpoint, 'moon')).code).toBe(2)
  })
})

describe.concurrent('guide', () => {
  it.each(['bootloader', 'system', 'edl', 'leave-crashdump'])('to %s without a terminal', async (name) => {
    const words = await place.run(place.newData(), 'guide', name)
    expect(words.code).toBe(0)
    expect(plain(words)).toMatch(/^1\. .+\n2\. [\s\S]*^Done when: /m)
  })

  it('as data, all of them, and none for what there is not', async () => {
    const { guides } = document(await place.run(place.newData(), 'guide', '--json')) as {
      guides: { id: string }[]
    }
    expect(guides.map(({ id }) => id).sort()).toEqual([...GUIDE_IDS].sort())
    expect(document(await place.run(place.newData(), 'guide', 'edl', '--json'))).toMatchObject({
      guide: { id: 'edl' },
    })
    const none = await place.run(place.newData(), 'guide', 'moon')
    expect(none.code).toBe(2)
    expect(plain(none)).toContain('bootloader, fastbootd')
  })
})

describe('a terminal of another model', () => {
  it('is not restarted to be asked for what no longer matters', async () => {
    const rom = await place.rom()
    const { name, process } = await phone()
    const data = place.newData()
    const planned = await place.run(data, 'plan', rom, '-t', name, '--survey')
    expect(planned.code, plain(planned)).toBe(4)
    expect(planned.stdout).toMatch(
      /^✗ no name agrees: .*getprop ro\.product\.device = PQ83A01, a RedMagic 9 Pro; .*model = NX679J, a RedMagic 7$/m,
    )
    expect(planned.stdout).toContain('--assume-model')
    expect(planned.stdout).not.toContain('only tells in')
    process.kill('SIGINT')
    expect((await process.finished).stdout).not.toContain('reboot')
  })
})
