// slotbench doctor: why a terminal is not seen or not opened, and what to type.
import { join } from 'node:path'
import type { DoctorDevice, DoctorFinding, DoctorReport, Severity } from '../../../../shared/doctor.ts'
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import { examine } from '../../../core/doctor/examine.ts'
import { inspectHost } from '../../../io/host/inspect-host.ts'
import { runProgram } from '../../../io/host/run-program.ts'
import { installCommand, installRule } from '../../../io/host/udev-install.ts'
import type { CommandContext } from '../command.ts'
import type { Output } from '../output.ts'

const RULE = join(import.meta.dirname, '../../../../../resources/udev/51-slotbench.rules')

export interface DoctorOptions {
  readonly installUdev: boolean
}

/** @returns 0 when nothing blocks. */
export async function doctor({ output }: CommandContext, options: DoctorOptions): Promise<number> {
  const installed = options.installUdev ? await install(output) : undefined
  const report = examine(await inspectHost(RULE))
  output.data(installed === undefined ? report : { ...report, installed })
  print(report, output)
  return report.healthy ? EXIT.ok : EXIT.host
}

/** Writes the rule as root; for anybody else says what to type. */
async function install(output: Output): Promise<{ readonly path?: string; readonly command?: string }> {
  if (process.platform !== 'linux') {
    output.line('udev rules are for Linux; nothing was installed.')
    return {}
  }
  if (process.getuid?.() !== 0) {
    const command = installCommand(RULE)
    output.line('Installing the rule needs root. Type:')
    output.line(`  ${command}`)
    output.line()
    return { command }
  }
  const { path, reloaded } = await installRule({ root: '/', rule: RULE, run: runProgram })
  output.line(
    `${path} is written${reloaded ? ' and in force' : '; udev does not run here, so it reads it when it starts'}.`,
  )
  output.line()
  return { path }
}

const SIGNS: Readonly<
  Record<Severity, { readonly word: string; readonly style: 'red' | 'yellow' | 'cyan' }>
> = {
  blocks: { word: 'Blocks', style: 'red' },
  warning: { word: 'Warning', style: 'yellow' },
  advice: { word: 'Advice', style: 'cyan' },
}

function print(report: DoctorReport, output: Output): void {
  for (const device of report.devices) printDevice(device, output)
  for (const finding of report.findings) printFinding(finding, output)
  output.line(report.healthy ? 'Nothing stands in the way.' : 'Something stands in the way; see above.')
}

function printDevice(device: DoctorDevice, output: Output): void {
  const { place, personality, speed, couldDo, hubs, interfaces, serial, product } = device
  output.line(`${output.style('bold', place)}  ${device.usb}  ${personality.name} (${personality.certainty})`)
  const own = [product, serial].filter((text) => text !== undefined).map(plainText)
  if (own.length > 0) output.line(`  ${own.join('  ')}`)
  const link = [
    speed === undefined
      ? undefined
      : `${speed} Mbit/s${couldDo === undefined ? '' : ` (could do ${couldDo})`}`,
    hubs === undefined ? undefined : `${hubs === 0 ? 'no' : hubs} hub${hubs === 1 ? '' : 's'} between`,
  ].filter((text) => text !== undefined)
  if (link.length > 0) output.line(`  ${link.join(', ')}`)
  for (const { number, classes, driver } of interfaces)
    output.line(
      `  interface ${number}${classes === undefined ? '' : ` ${classes}`}: ${driver ?? 'no driver'}`,
    )
  output.line()
}

function printFinding(
  { severity, place, detail, meaning, next, command }: DoctorFinding,
  output: Output,
): void {
  const { word, style } = SIGNS[severity]
  output.line(
    `${output.style([style, 'bold'], word)}  ${place === undefined ? '' : `${place}: `}${plainText(detail)}`,
  )
  output.line(`  ${meaning}`)
  output.line(`  ${output.style('bold', 'What to do:')} ${next}`)
  if (command !== undefined) output.line(`  ${output.style('bold', 'Type:')} ${command}`)
  output.line()
}
