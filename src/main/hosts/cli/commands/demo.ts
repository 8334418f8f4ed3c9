// slotbench demo: the main job from plug to report on a simulated terminal, through the same engine and the same USB adapter.
import { join } from 'node:path'
import { Deadline } from '../../../../shared/io-options.ts'
import { adbDaemon } from '../../../../simulator/adb/daemon.ts'
import { SimulatedBench, USB2 } from '../../../../simulator/usb.ts'
import type { Bench } from '../../bench.ts'
import { simulatedTerminal } from '../../simulated.ts'
import { type CommandContext, withBench } from '../command.ts'
import { showPass } from '../progress.ts'
import { fetchDemoRom } from './demo-repository.ts'
import { runJob } from './flash.ts'
import { showRom } from './inspect.ts'
import { prepare, showPlan } from './prepare.ts'

const MB = 1024 * 1024
/** Large enough that speed and remaining time can be watched over a USB 2 link, small enough for a coffee-less first look. */
const SIZES = { sizes: { system: 96 * MB, vendor: 32 * MB, product: 16 * MB, boot: 16 * MB } }
const SERIAL = 'DEMO769J0001'
/** How long the simulated technician takes to press Allow on the terminal’s screen. */
const ALLOW_MS = 1_500

export async function demo(context: CommandContext): Promise<number> {
  const { output, signal } = context
  const usb = new SimulatedBench()
  return withBench(
    { ...context, data: join(context.data, 'demo') },
    { usb: async () => usb },
    async (bench) => {
      heading(context, 'A simulated ZTE terminal is attached')
      const terminal = await simulatedTerminal({
        profile: 'nx769j',
        sizes: SIZES,
        serial: SERIAL,
        locked: false,
        bootMs: 1_500,
        adb: adbDaemon({
          behaviour: {
            auth: 'system',
            prompt: { answer: 'always-allow', ms: ALLOW_MS },
            boot: { ms: 1_000 },
          },
          onScreen: (text) => output.note(`  (the terminal’s screen: ${text})`),
        }),
      })
      terminal.on((event) => {
        if (event.kind === 'boot') output.note(`  (the terminal: ${event.record.reason})`)
      })
      await terminal.powerOn()
      usb.plug(terminal, { bus: '1', ports: [2], link: USB2 })
      const sighting = await bench
        .discovery()
        .waitFor((s) => s.serial === SERIAL, { signal, deadline: Deadline.after(5_000) })
      output.line(`${sighting.bay}  ${sighting.mode}  ${sighting.serial}  ${terminal.profile.title}`)
      try {
        heading(context, 'Its ROM is fetched from a firmware repository')
        const path = await fetchDemoRom(bench, terminal.profile, context)
        await inspected(bench, path, context)
        heading(context, 'The plan')
        const plan = await prepare(
          bench,
          path,
          {
            ...{ terminal: SERIAL, policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 120 },
            survey: true,
          },
          context,
        )
        showPlan(output, plan)
        heading(context, 'The job')
        return await runJob(bench, { create: plan }, context)
      } finally {
        terminal.cutPower()
      }
    },
  )
}

async function inspected(bench: Bench, path: string, context: CommandContext): Promise<void> {
  heading(context, 'The full OTA package is inspected and verified')
  const rom = await bench.open(path, context.signal)
  try {
    showRom(
      context.output,
      await bench.verify(rom, { signal: context.signal, onProgress: showPass(context.output, 'Verifying') }),
    )
    context.output.line(context.output.style('green', 'Every image matches its digest.'))
  } finally {
    await rom.close()
  }
}

function heading({ output }: CommandContext, text: string): void {
  output.line()
  output.line(output.style('bold', text))
}
