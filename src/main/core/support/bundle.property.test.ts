// Whatever a job, its log and its bench hold: nobody can be recognised in the bundle, and the same thing has the same name throughout.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleJob } from '../../../../test/sample-job.ts'
import type { LogLine } from '../../../shared/contract-log.ts'
import type { DoctorReport } from '../../../shared/doctor.ts'
import { supportBundle } from './bundle.ts'
import { Redactor } from './redactor.ts'

const from = (characters: string, min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: min, maxLength: max })

const serial = from('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 8, 20)
const imei = from('0123456789', 14, 14).map((body) => {
  const digits = [...body]
    .reverse()
    .map((digit, index) => (index % 2 === 0 ? 2 * Number(digit) : Number(digit)))
  const sum = digits.reduce((all, digit) => all + (digit > 9 ? digit - 9 : digit), 0)
  return `${body}${(10 - (sum % 10)) % 10}`
})
/** Of several scripts, composed and decomposed, and with what steers a regular expression or JSON. */
const word = fc.oneof(
  from('abcdefghijklmnopqrstuvwxyz', 3, 10).map((name) => `Q${name}`),
  from('бвгджзклмнпр', 3, 8),
  from('王李张刘陈杨赵黄', 2, 4),
  from('aeou', 2, 4).map((name) => `Zz${[...name].join('\u0308')}\u0308`),
)
const person = fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(' '))
const odd = fc.constantFrom('', '.', '+', '(1)', '"', "'", '$&', '[x]', ' ')
const home = fc
  .tuple(fc.constantFrom('/home/', '/Users/', 'C:\\Users\\'), word, odd)
  .map((parts) => parts.join(''))
const mac = fc
  .array(from('0123456789abcdef', 2, 2), { minLength: 6, maxLength: 6 })
  .map((pairs) => pairs.join(':'))

const input = fc.record({
  ...{ serial, chip: from('0123456789abcdef', 8, 8), other: serial, imei, second: imei, mac },
  ...{ operator: person, colleague: person, host: word.map((name) => `${name}-pc7`), user: word, home },
  glue: fc.constantFrom(' ', ': ', '=', ',', '"', '\n', '(', '\\', '/', '_'),
  upper: fc.boolean(),
})
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

const AT = '2026-11-25T10:00:00.000Z'

function bundleOf(i: Input) {
  const separator = i.home.includes('\\') ? '\\' : '/'
  const rom = [i.home, 'Kunden', i.user, 'full.zip'].join(separator)
  const said = [i.serial, i.chip, i.imei, i.mac, i.operator, i.host, i.home, i.other, rom].join(i.glue)
  const text = `${i.glue}${i.upper ? said.toUpperCase() : said}${i.glue}`
  const problem = { code: 'terminal-stranger', detail: text, meaning: text, next: 'x', at: AT }
  const job = sampleJob({
    id: 'b95f6b93',
    terminal: { bay: `tcp:${i.host}:5554`, serial: i.serial, product: 'NX679J' },
    rom: { path: rom, notes: [text], models: ['NX679J'] },
    job: { operator: i.operator, problem },
    plan: {
      warnings: [{ code: 'battery-unknown', detail: text }],
      facts: {
        ...{ mode: 'system', bay: `tcp:${i.host}:5554`, slots: {}, partitions: {}, hasSlot: {} },
        serial: { value: i.serial, source: 'ro.serialno' },
        chipSerial: { value: i.chip, source: 'edl' },
        variables: {
          ...{ serialno: i.serial, imei: i.imei, 'gsm.imei2': `${i.imei},${i.second}`, product: 'NX679J' },
          ...{ 'wlan.mac': i.mac, [`seen-${i.serial}`]: 'yes', note: text },
        },
      },
    },
  })
  const line = (event: LogLine['event'], n: number): LogLine => ({ n, at: AT, level: 'info', event })
  const doctor: DoctorReport = {
    ...{ platform: 'linux', healthy: false },
    devices: [
      {
        ...{
          place: 'usb:1-2',
          usb: '19d2:ffcf',
          serial: i.other,
          interfaces: [],
          holders: [{ pid: 1, name: i.user }],
        },
        personality: {
          mode: 'system',
          name: 'x',
          explanation: text,
        } as DoctorReport['devices'][number]['personality'],
      },
    ],
    findings: [],
  }
  const bundle = supportBundle({
    jobs: [job],
    log: [line({ kind: 'terminal-says', text }, 1), line({ kind: 'problem', problem }, 2)],
    ...{ doctor, versions: { slotbench: '0.1.0' }, createdAt: AT },
    secrets: [
      ...[i.operator, i.colleague].map((value) => ({ kind: 'operator', value }) as const),
      ...[{ kind: 'host', value: i.host } as const, { kind: 'user', value: i.user } as const],
      { kind: 'home', value: i.home },
    ],
  })
  return { bundle, rom }
}

/** Every text in the files: as it stands there, and as it reads once JSON is understood. */
function textsIn(files: readonly { readonly name: string; readonly text: string }[]): readonly string[] {
  const texts: string[] = []
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value)
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value)) {
        texts.push(key)
        collect(item)
      }
  }
  for (const { name, text } of files) {
    texts.push(name)
    for (const part of name.endsWith('.jsonl') ? text.trim().split('\n') : [text]) collect(JSON.parse(part))
  }
  return texts.map((text) => text.normalize('NFC').toLowerCase())
}

describe('a support bundle', () => {
  it('holds no serial number, IMEI, address, name, host or home of what it was made of', () => {
    fc.assert(
      fc.property(input, (i) => {
        const { bundle, rom } = bundleOf(i)
        const texts = textsIn(bundle.files)
        const nowhere = (value: string) => {
          const wanted = value.normalize('NFC').trim().toLowerCase()
          expect(texts.filter((text) => text.includes(wanted))).toEqual([])
        }
        for (const value of [i.serial, i.chip, i.other, i.imei, i.second, i.mac, i.home, rom]) nowhere(value)
        const words = texts.map((text) => ` ${text.split(/[^\p{L}\p{N}]+/u).join(' ')} `)
        for (const name of [i.operator, i.host, i.user]) {
          const wanted = name
            .normalize('NFC')
            .toLowerCase()
            .split(/[^\p{L}\p{N}]+/u)
            .join(' ')
          expect(words.filter((text) => text.includes(` ${wanted} `))).toEqual([])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('calls the same thing the same throughout, and different things differently', () => {
    fc.assert(
      fc.property(input, (i) => {
        const { bundle } = bundleOf(i)
        const names = bundle.replaced.map(({ pseudonym }) => pseudonym)
        expect(new Set(names).size).toBe(names.length)
        const file = (name: string) =>
          JSON.parse(bundle.files.find((one) => one.name.endsWith(name))?.text ?? '')
        const { serial: own } = file('plan.json').terminal
        expect(own).toMatch(/^serial-\d+$/)
        expect(file('facts.json')).toMatchObject({ serial: { value: own }, variables: { serialno: own } })
        expect(bundle.replaced.find(({ pseudonym }) => pseudonym === own)?.original.toLowerCase()).toBe(
          i.serial.toLowerCase(),
        )
        expect(file('package.json').path).toMatch(/^folder-\d+[\\/]full\.zip$/)
      }),
      { numRuns: 100 },
    )
  })

  it('keeps what helps: codes, steps, models, sizes, digests and dates', () => {
    const job = sampleJob({ id: 'b95f6b93', terminal: { bay: 'usb:1-2', serial: 'NX0001' } })
    const files = supportBundle({
      ...{ jobs: [job], log: undefined, doctor: undefined, versions: { node: '24.1.0' } },
      ...{ secrets: [{ kind: 'home', value: '/root' }], createdAt: AT },
    }).files
    const all = files.map(({ text }) => text).join('')
    for (const kept of ['NX679J', 'usb:1-2', '2-reboot-system', 'f'.repeat(64), AT, '24.1.0', 'full.zip'])
      expect(all).toContain(kept)
    expect(all).not.toContain('NX0001')
    expect(files.map(({ name }) => name)).toEqual([
      'contents.json',
      ...['journal', 'plan', 'facts', 'package'].map((name) => `b95f6b93/${name}.json`),
      'versions.json',
    ])
  })
})

describe('what is found by its shape', () => {
  const redacted = (text: string) => new Redactor([]).text(text)

  it('is an IMEI with its check digit, however it is written, and no date or size', () => {
    expect(redacted('IMEI:356938035643809;')).toBe('IMEI:imei-1;')
    expect(redacted('35-693803-564380-9 and 356938035643809')).toBe('imei-1 and imei-1')
    expect(redacted('V1.0.0B20_20231225123456 356938035643808')).toBe(
      'V1.0.0B20_20231225123456 356938035643808',
    )
  })

  it('is a network address, a mail address, a home', () => {
    expect(redacted('a0:b1:c2:d3:e4:f5, ana@shop.example')).toBe('mac-1, email-1')
    expect(redacted('/home/ana/x, C:\\Users\\Ana\\y, /Users/ana')).toBe('home-1/x, home-2\\y, home-3')
    expect(redacted('at 10:20:30, /dev/bus/usb/001/004')).toBe('at 10:20:30, /dev/bus/usb/001/004')
  })
})
