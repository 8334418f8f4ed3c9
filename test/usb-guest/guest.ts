// Runs one command as root inside the guest: the host's files read-only below a RAM overlay, output passed through.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GuestImage } from './image.ts'

export interface GuestRun {
  /** An empty folder that both sides see; in the guest it is `$SHARED`. */
  readonly shared: string
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly memoryMb: number
  readonly timeoutMs: number
}

export interface GuestResult {
  /** Exit status of the command; undefined when the guest died or ran out of time before it ended. */
  readonly status: number | undefined
  /** Last lines of the kernel's console, for when it went wrong. */
  readonly console: string
}

const POLL_MS = 100
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** Boots the guest, runs the command with its output on ours, and powers off. */
export async function runInGuest(image: GuestImage, run: GuestRun): Promise<GuestResult> {
  const { shared } = run
  writeFileSync(join(shared, 'start.sh'), startScript(image, run))
  writeFileSync(join(shared, 'output.log'), '')
  const machine = spawn('qemu-system-x86_64', qemuArguments(image, run), {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: run.timeoutMs,
    killSignal: 'SIGKILL',
  })
  const killMachine = (): void => void machine.kill('SIGKILL')
  process.once('exit', killMachine)
  const ended = new Promise<void>((resolve, reject) => {
    machine.on('exit', () => resolve())
    machine.on('error', reject)
  })
  const following = followFile(join(shared, 'output.log'), ended)
  await ended
  process.off('exit', killMachine)
  await following
  const text = (name: string): string =>
    existsSync(join(shared, name)) ? readFileSync(join(shared, name), 'utf8') : ''
  const status = text('status').trim()
  return {
    status: status === '' ? undefined : Number(status),
    console: text('console.log').split('\n').slice(-25).join('\n'),
  }
}

function startScript(image: GuestImage, run: GuestRun): string {
  const variables = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/run',
    TMPDIR: '/run',
    SHARED: '/run/shared',
    GUEST_MODULES: image.modules,
    GUEST_RELEASE: image.release,
    GUEST_UDEVADM: image.udevadm,
    ...run.env,
  }
  return [
    'ip link set lo up 2>/dev/null',
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`),
    'cd /run',
    `${run.command.map(quote).join(' ')} >/run/shared/output.log 2>&1 </dev/null`,
    'echo $? >/run/shared/status',
    'sync',
    'echo o >/proc/sysrq-trigger',
    'sleep 30',
  ].join('\n')
}

function qemuArguments(image: GuestImage, run: GuestRun): string[] {
  const share = (path: string, tag: string, more: string): string[] => [
    '-virtfs',
    `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,multidevs=remap${more}`,
  ]
  return [
    // Always emulated: a nested /dev/kvm may accept the machine and then hang or abort (seen), and cannot be told by asking.
    ...['-machine', 'pc', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max', '-smp', '2'],
    ...['-m', String(run.memoryMb), '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${join(run.shared, 'console.log')}`, '-device', 'virtio-rng-pci'],
    ...['-kernel', image.kernel, '-initrd', image.initramfs],
    // Software emulation has no stable clock source to calibrate against, and nothing to protect from.
    ...['-append', 'console=ttyS0 loglevel=4 panic=-1 tsc=reliable no_timer_check mitigations=off'],
    ...share('/', 'host', ',readonly=on'),
    ...share(run.shared, 'shared', ''),
  ]
}

/** Copies what is appended to `path` to our output until `ended`, and then the rest. */
async function followFile(path: string, ended: Promise<void>): Promise<void> {
  let over = false
  void ended.finally(() => {
    over = true
  })
  const file = await open(path, 'r')
  const buffer = Buffer.alloc(64 * 1024)
  try {
    for (;;) {
      const last = over
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
      if (bytesRead > 0) process.stdout.write(Buffer.from(buffer.subarray(0, bytesRead)))
      else if (last) return
      else await sleep(POLL_MS)
    }
  } finally {
    await file.close()
  }
}
