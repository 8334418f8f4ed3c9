// The few commands of the shell that programs on a bench use; everything else is not found.
import type { AdbMachine } from '../adb-service.ts'
import type { AdbContext } from './machine.ts'
import { type Properties, propertiesOf } from './properties.ts'

export interface CommandResult {
  readonly out: string
  readonly err: string
  readonly exit: number
}

const ok = (out: string): CommandResult => ({ out, err: '', exit: 0 })
const failed = (exit: number, err: string): CommandResult => ({ out: '', err, exit })

/** Runs one line: commands separated by `;`, `&&` or `||`, words in quotes. No pipes, no redirections, no variables. */
export function runLine(context: AdbContext, line: string): CommandResult {
  let all = ok('')
  for (const { operator, words } of parseLine(line)) {
    if (operator === '&&' && all.exit !== 0) continue
    if (operator === '||' && all.exit === 0) continue
    const one = run(context, words)
    all = { out: all.out + one.out, err: all.err + one.err, exit: one.exit }
  }
  return all
}

interface Part {
  readonly operator: string
  readonly words: readonly string[]
}

function parseLine(line: string): readonly Part[] {
  const parts: { operator: string; words: string[] }[] = [{ operator: ';', words: [] }]
  let word: string | undefined
  const finishWord = () => {
    if (word !== undefined) parts.at(-1)?.words.push(word)
    word = undefined
  }
  for (const [token] of line.matchAll(/\s+|&&|\|\||;|'[^']*'|"(?:\\.|[^"])*"|\\.|[^\s;&|'"\\]+|./gs)) {
    if (/^\s/.test(token)) finishWord()
    else if (/^(;|&&|\|\|)$/.test(token)) {
      finishWord()
      parts.push({ operator: token, words: [] })
    } else word = (word ?? '') + unquoted(token)
  }
  finishWord()
  return parts.filter(({ words }) => words.length > 0)
}

function unquoted(token: string): string {
  if (token.length >= 2 && /^'.*'$/s.test(token)) return token.slice(1, -1)
  if (token.length >= 2 && /^".*"$/s.test(token)) return token.slice(1, -1).replace(/\\(.)/gs, '$1')
  return token.startsWith('\\') ? token.slice(1) : token
}

function run(context: AdbContext, [command = '', ...args]: readonly string[]): CommandResult {
  const { machine } = context
  switch (command) {
    case 'getprop':
      return getprop(propertiesOf(context), args)
    case 'echo':
      return ok(`${args.join(' ')}\n`)
    case 'true':
    case 'false':
      return { out: '', err: '', exit: command === 'true' ? 0 : 1 }
    case 'exit':
      return failed(Number(args[0] ?? 0) & 0xff, '')
    case 'cat':
      return cat(machine, args)
    case 'dumpsys':
      return dumpsys(machine, args)
    case 'df':
      return df(machine, args)
    case 'id':
      return ok(
        machine.mode === 'system'
          ? 'uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1007(log) context=u:r:shell:s0\n'
          : 'uid=0(root) gid=0(root) groups=0(root) context=u:r:su:s0\n',
      )
    default:
      return failed(127, `/system/bin/sh: ${command}: inaccessible or not found\n`)
  }
}

function getprop(properties: Properties, [name, fallback = '']: readonly string[]): CommandResult {
  if (name !== undefined) return ok(`${properties.get(name) ?? fallback}\n`)
  return ok([...properties].map(([key, value]) => `[${key}]: [${value}]\n`).join(''))
}

const POWER = '/sys/class/power_supply/battery/'

function files({ battery, mode }: AdbMachine): Readonly<Record<string, string>> {
  return {
    [`${POWER}capacity`]: `${battery.percent}\n`,
    [`${POWER}status`]: 'Charging\n',
    [`${POWER}voltage_now`]: `${battery.millivolts * 1000}\n`,
    [`${POWER}temp`]: '285\n',
    '/proc/version': 'Linux version 5.10.66-simulated (slotbench) #1 SMP PREEMPT\n',
    '/proc/cmdline': `androidboot.mode=${mode}\n`,
  }
}

function cat(machine: AdbMachine, paths: readonly string[]): CommandResult {
  let all = ok('')
  for (const path of paths) {
    const text = files(machine)[path]
    all =
      text === undefined
        ? { ...all, err: `${all.err}cat: ${path}: No such file or directory\n`, exit: 1 }
        : { ...all, out: all.out + text }
  }
  return all
}

function dumpsys({ battery, mode }: AdbMachine, [service]: readonly string[]): CommandResult {
  if (mode !== 'system') return failed(127, '/system/bin/sh: dumpsys: inaccessible or not found\n')
  if (service !== 'battery') return failed(0, `Can't find service: ${service ?? ''}\n`)
  const lines = {
    'AC powered': false,
    'USB powered': true,
    'Wireless powered': false,
    status: 2,
    health: 2,
    present: true,
    level: battery.percent,
    scale: 100,
    voltage: battery.millivolts,
    temperature: 285,
    technology: 'Li-poly',
  }
  const text = Object.entries(lines).map(([name, value]) => `  ${name}: ${value}\n`)
  return ok(`Current Battery Service state:\n${text.join('')}`)
}

function df({ disk }: AdbMachine, [path]: readonly string[]): CommandResult {
  const userdata = disk.find('userdata')
  if (path !== '/data' || userdata === undefined)
    return failed(1, `df: '${path ?? ''}': No such file or directory\n`)
  const blocks = Math.floor(userdata.size / 1024)
  const used = Math.floor(blocks * 0.4)
  const cells = ['/dev/block/dm-9', blocks, used, blocks - used, '40%', '/data']
  return ok(`Filesystem     1K-blocks     Used Available Use% Mounted on\n${cells.join(' ')}\n`)
}
