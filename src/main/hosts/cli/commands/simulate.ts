// slotbench simulate: a simulated terminal that any fastboot, and any adb, can reach over TCP, until Ctrl-C.
import { once } from 'node:events'
import { resolve } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { adbDaemon } from '../../../../simulator/adb/daemon.ts'
import { serveAdbTcp } from '../../../../simulator/adb-tcp-server.ts'
import { serveFastbootTcp } from '../../../../simulator/fastboot-tcp-server.ts'
import { bringBackToBootloader } from '../../../../simulator/hands.ts'
import type { TcpPort } from '../../../../simulator/listen-tcp.ts'
import type { SimulatedTerminal } from '../../../../simulator/terminal.ts'
import { profileNamed, simulatedTerminal, writeDemoRom } from '../../simulated.ts'
import type { CommandContext } from '../command.ts'

export interface SimulateOptions {
  readonly profile: string
  readonly fastbootTcp: number
  readonly adbTcp?: number
  readonly serial?: string
  readonly locked: boolean
  readonly afterBoot: string
  readonly writeRom?: string
  /** Bytes by partition. */
  readonly size?: Readonly<Record<string, number>>
  readonly maxDownload?: number
  /** Bytes per second. */
  readonly linkSpeed?: number
  readonly bootMs: number
}

const IN_SYSTEM_MS = 1_000
const HOST = '127.0.0.1'

export async function simulate(context: CommandContext, options: SimulateOptions): Promise<number> {
  const { output, signal } = context
  if (options.afterBoot !== 'bootloader' && options.afterBoot !== 'system') {
    throw new SlotbenchError('usage', `--after-boot is bootloader or system, not ${options.afterBoot}`)
  }
  const sizes = {
    ...(options.size !== undefined && { sizes: options.size }),
    ...(options.maxDownload !== undefined && { maxDownload: options.maxDownload }),
  }
  if (options.writeRom !== undefined) {
    await writeDemoRom(profileNamed(options.profile, sizes), resolve(options.writeRom))
    output.data({ rom: resolve(options.writeRom) })
    output.line(`ROM             ${resolve(options.writeRom)}`)
  }
  const adb = adbDaemon({ onScreen: (text) => shown(context, text) })
  const terminal = await simulatedTerminal({ ...options, sizes, adb })
  terminal.on((event) => {
    output.data({ terminal: event })
    if (event.kind === 'command') output.line(`  ← ${event.command}`)
    if (event.kind === 'state') output.line(`  terminal: ${event.state}`)
    if (event.kind === 'boot') output.line(`  boot: ${event.record.reason}`)
  })
  if (options.afterBoot === 'bootloader') bringBackToBootloader(terminal, { patienceMs: IN_SYSTEM_MS })
  // Whoever wants adb and nobody's hands wants the system.
  const inSystem = options.adbTcp !== undefined && options.afterBoot === 'system'
  await terminal.powerOn(inSystem ? {} : { keys: 'bootloader' })
  const server = await serveFastbootTcp(terminal, {
    ...{ port: options.fastbootTcp, host: HOST },
    ...(options.linkSpeed !== undefined && { bytesPerSecond: options.linkSpeed }),
  })
  const endpoint = `tcp:${HOST}:${server.port}`
  output.data({ endpoint, serial: terminal.serial, profile: terminal.profile.id })
  output.line(
    `${terminal.profile.title}, serial ${terminal.serial ?? 'none'}, fastboot at ${endpoint}. Ctrl-C ends it.`,
  )
  const adbServer = await offerAdb(context, terminal, options)
  if (!signal.aborted) await once(signal, 'abort')
  await server.close()
  await adbServer?.close()
  terminal.cutPower()
  return 0
}

async function offerAdb(
  { output }: CommandContext,
  terminal: SimulatedTerminal,
  { adbTcp, linkSpeed }: SimulateOptions,
): Promise<TcpPort | undefined> {
  if (adbTcp === undefined) return undefined
  const server = await serveAdbTcp(terminal, {
    ...{ port: adbTcp, host: HOST },
    ...(linkSpeed !== undefined && { bytesPerSecond: linkSpeed }),
  })
  output.data({ adb: `${HOST}:${server.port}` })
  output.line(`In system and recovery: adb connect ${HOST}:${server.port}`)
  return server
}

function shown({ output }: CommandContext, text: string): void {
  output.data({ screen: text })
  output.line(`  screen: ${text}`)
}
