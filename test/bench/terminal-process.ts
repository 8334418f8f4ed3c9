// A simulated terminal in a process of its own, reachable by any fastboot or adb over TCP. Started by terminal.ts.
import { missingCase } from '../../src/shared/missing-case.ts'
import { adbDaemon } from '../../src/simulator/adb/daemon.ts'
import { serveAdbTcp } from '../../src/simulator/adb-tcp-server.ts'
import { leaveMessage } from '../../src/simulator/boot/message.ts'
import { slotStore } from '../../src/simulator/boot/slot-store.ts'
import { serveFastbootTcp } from '../../src/simulator/fastboot-tcp-server.ts'
import { bringBackToBootloader } from '../../src/simulator/hands.ts'
import { factoryImages, makeBuild, simulatorRootOfTrust } from '../../src/simulator/make-images.ts'
import { randomBytes } from '../../src/simulator/randomness.ts'
import { Disk } from '../../src/simulator/storage/disk.ts'
import { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { benchStorage } from './bench-storage.ts'
import type { TerminalAnswer, TerminalOrder, TerminalQuestion } from './terminal.ts'
import { OLD_BUILD, terminalProfile } from './terminal-profile.ts'

const SMUDGE_EVERY = 16 * 1024 * 1024

process.once('message', (order: TerminalOrder) => void start(order))
process.once('disconnect', () => process.exit())

async function start(order: TerminalOrder): Promise<void> {
  const profile = terminalProfile(order)
  const screen: string[] = []
  const terminal = await SimulatedTerminal.create({
    profile,
    storage: benchStorage(profile, order),
    serial: 'BENCH001',
    unlocked: true,
    keys: await simulatorRootOfTrust(),
    adb: adbDaemon({ onScreen: (line) => screen.push(line) }),
    ...(order.bootable && { image: factoryImages(profile, await makeBuild(profile, OLD_BUILD)) }),
  })
  const link = {
    ...{ port: 0, host: '127.0.0.1' },
    ...(order.bytesPerSecond !== undefined && { bytesPerSecond: order.bytesPerSecond }),
  }
  const { port } = await (order.speaks === 'adb' ? serveAdbTcp(terminal, link) : inBootloader(terminal, link))
  const subject = { terminal, screen }
  process.on('message', (question: TerminalQuestion) => void answer(subject, question))
  tell({ port })
}

async function inBootloader(terminal: SimulatedTerminal, link: Parameters<typeof serveFastbootTcp>[1]) {
  bringBackToBootloader(terminal, { patienceMs: 500 })
  await terminal.powerOn({ keys: 'bootloader' })
  return await serveFastbootTcp(terminal, link)
}

interface Subject {
  readonly terminal: SimulatedTerminal
  readonly screen: string[]
}

async function answer({ terminal, screen }: Subject, question: TerminalQuestion): Promise<void> {
  switch (question.ask) {
    case 'digest':
      return tell({ sha256: await terminal.partitionDigest(question.partition) })
    case 'smudge':
      await smudge(terminal, question.partition)
      return tell({})
    case 'sideload-mode':
      screen.length = 0
      await enterSideload(terminal)
      return tell({})
    case 'outcome':
      return tell({ screen, activeSlot: (await slotsOf(terminal))?.active })
    default:
      return missingCase(question)
  }
}

/** Past the hands and the running system: slot a is what runs, and misc asks for sideload mode. */
async function enterSideload(terminal: SimulatedTerminal): Promise<void> {
  if (terminal.state !== 'off') terminal.cutPower()
  const disk = await Disk.load(terminal.storage)
  await slotStore(terminal.profile.slotScheme, disk)?.setActive('a')
  await leaveMessage(disk, 'sideload')
  await terminal.powerOn()
  if (terminal.state !== 'sideload') throw new Error(`the terminal started into ${terminal.state}`)
}

async function slotsOf({ storage, profile }: SimulatedTerminal) {
  return await slotStore(profile.slotScheme, await Disk.load(storage))?.read()
}

function tell(answer: TerminalAnswer): void {
  process.send?.(answer)
}

/** Noise here and there, so that a digest afterwards proves a writing of its own. */
async function smudge(terminal: SimulatedTerminal, partition: string): Promise<void> {
  const size = terminal.profile.partitions.find(({ name }) => partition.startsWith(name))?.size ?? 0
  for (let at = 0; at < size; at += SMUDGE_EVERY)
    await terminal.writePartitionRaw(partition, randomBytes(`smudge ${performance.now()}`, 4096), at)
}
