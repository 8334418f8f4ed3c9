import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunProgram, runProgram } from './run-program.ts'
import { installCommand, installRule } from './udev-install.ts'
import { inspectWindows } from './windows.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'slotbench host-'))
})
afterEach(() => rmSync(root, { recursive: true }))

/** Answers by program name, and remembers what was run. */
function programs(answers: Readonly<Record<string, { code: number | undefined; stdout: string }>>) {
  const ran: string[] = []
  const run: RunProgram = async (program, args) => {
    ran.push([program, ...args].join(' '))
    return answers[program] ?? { code: undefined, stdout: '' }
  }
  return { run, ran }
}

describe('installing the rule', () => {
  it('writes it and has udev read and apply it', async () => {
    const rule = join(root, 'ours.rules')
    writeFileSync(rule, 'ours\n')
    const { run, ran } = programs({ udevadm: { code: 0, stdout: '' } })
    expect(await installRule({ root, rule, run })).toEqual({
      path: '/etc/udev/rules.d/51-slotbench.rules',
      reloaded: true,
    })
    expect(readFileSync(join(root, 'etc/udev/rules.d/51-slotbench.rules'), 'utf8')).toBe('ours\n')
    expect(ran).toEqual(['udevadm control --reload', 'udevadm trigger --subsystem-match=usb'])
  })

  it('says so where udev does not run, and fails in words where nothing can be written', async () => {
    const rule = join(root, 'ours.rules')
    writeFileSync(rule, 'ours\n')
    expect(await installRule({ root, rule, run: programs({}).run })).toMatchObject({ reloaded: false })
    const missing = installRule({ root, rule: join(root, 'none'), run: programs({}).run })
    await expect(missing).rejects.toMatchObject({ name: 'SlotbenchError', code: 'host-io' })
  })

  it('quotes any path', () => {
    expect(installCommand("/it's here/ü.rules")).toContain(`'/it'\\''s here/ü.rules'`)
  })
})

describe('Windows', () => {
  const listens = async (port: number) => port === 5037
  const JSON_NODE = '[{"InstanceId":"USB\\\\VID_05C6&PID_9008\\\\1","Service":"WinUSB"}]'
  const PNPUTIL =
    'Instance ID:   USB\\VID_05C6&PID_9008\\1\r\nDevice Description:  x\r\nDriver Name:  winusb.inf\r\n'

  it('asks PowerShell', async () => {
    const { run, ran } = programs({ 'powershell.exe': { code: 0, stdout: JSON_NODE } })
    expect(await inspectWindows({ run, listens })).toMatchObject({
      nodes: [{ service: 'WinUSB' }],
      adbServer: { pid: undefined },
      failure: undefined,
    })
    expect(ran).toHaveLength(1)
  })

  it.each([
    { code: undefined, stdout: '' },
    { code: 1, stdout: '' },
    { code: 0, stdout: 'blocked by group policy' },
  ])('then pnputil, when PowerShell gives %j', async (answer) => {
    const { run } = programs({ 'powershell.exe': answer, 'pnputil.exe': { code: 0, stdout: PNPUTIL } })
    expect(await inspectWindows({ run, listens })).toMatchObject({
      nodes: [{ inf: 'winusb.inf' }],
      failure: undefined,
    })
  })

  it('then says that neither answered', async () => {
    const { failure } = await inspectWindows({ run: programs({}).run, listens: async () => false })
    expect(failure).toContain('pnputil')
  })
})

describe('running a program', () => {
  it('gives its exit code and what it printed; one that is not there has neither', async () => {
    const print = ['-e', 'process.stdout.write("ü"); process.exitCode = 3']
    expect(await runProgram(process.execPath, print)).toEqual({ code: 3, stdout: 'ü' })
    expect(await runProgram(join(root, 'nothing'), [])).toEqual({ code: undefined, stdout: '' })
  })
})
