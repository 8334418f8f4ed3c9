// The host's side of the EDL case in a process of its own: a session opened over edl-link.ts, and images written. Started by edl-host.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { byteSourceImage } from '../../src/main/core/formats/raw-image.ts'
import { openRom } from '../../src/main/core/rom/open.ts'
import type { ImageSource } from '../../src/main/core/source.ts'
import type { Workshop } from '../../src/main/core/workshop.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { openFolder } from '../../src/main/io/files/open-folder.ts'
import { watchUsb } from '../../src/main/io/usb/usb-watch.ts'
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { createDiscovery } from '../../src/main/terminals/discovery.ts'
import { openEdlSession } from '../../src/main/terminals/edl/open.ts'
import type { EdlSession } from '../../src/main/terminals/types.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import { partitionName } from '../../src/shared/units.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import { memorySource } from '../images.ts'
import type { EdlAnswer, EdlOrder, EdlQuestion, EdlRun } from './edl-host.ts'
import { FarTerminal } from './edl-link.ts'
import { residentBytes } from './own-memory.ts'
import { terminalProfile } from './terminal-profile.ts'

/** Long enough for what starting up leaves behind to settle. */
const SETTLE_MS = 500

const io = { signal: new AbortController().signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }

process.once('message', (order: EdlOrder) => void serve(order))
process.once('disconnect', () => process.exit())

interface Subject {
  readonly terminal: FarTerminal
  readonly workshop: Workshop
  readonly session: EdlSession
  readonly images: readonly { readonly target: string; readonly image: ImageSource }[]
}

async function serve(order: EdlOrder): Promise<void> {
  const terminal = await FarTerminal.start(order)
  const workshop = createWorkshop()
  const discovery = createDiscovery([watchUsb(async () => terminal)])
  const sighting = await discovery.waitFor(({ protocol }) => protocol === 'edl', io)
  const loaders = [memorySource(loaderFor(terminalProfile(order)))]
  const session = await openEdlSession(sighting, { ...io, loaders, discovery })
  const subject = { terminal, workshop, session, images: await imagesOf(order, workshop) }
  await delay(SETTLE_MS)
  process.on('message', (question: EdlQuestion) => void answer(subject, question).then(tell))
  tell({ residentBytes: residentBytes('VmRSS') })
}

function tell(answer: EdlAnswer): void {
  process.send?.(answer)
}

async function imagesOf({ source, sizes }: EdlOrder, workshop: Workshop): Promise<Subject['images']> {
  if (source.kind === 'raw')
    return [{ target: 'system_b', image: byteSourceImage(await openFile(source.path)) }]
  const rom = await openRom(source.path, { openFile, openFolder, workshop }, io.signal)
  return rom.info.images
    .filter(({ name }) => name in sizes)
    .map(({ name, slot }) => ({ target: `${name}_b`, image: rom.image({ name, slot }) }))
}

async function answer(subject: Subject, question: EdlQuestion): Promise<EdlAnswer> {
  const { terminal, images } = subject
  if (question.spoil) for (const { target } of images) await terminal.spoil(target)
  const { run, digests } = await writeAll(subject)
  if (question.check)
    for (const [target, sha256] of digests)
      if ((await terminal.digest(target)) !== sha256) throw new Error(`${target} holds something else`)
  return { run, residentBytes: residentBytes('VmHWM') }
}

async function writeAll({ terminal, workshop, session, images }: Subject): Promise<{
  readonly run: EdlRun
  readonly digests: ReadonlyMap<string, string>
}> {
  const digests = new Map<string, string>()
  let [imageBytes, wireBytes] = [0, 0]
  await terminal.account()
  const startedAt = performance.now()
  for (const { target, image } of images) {
    const receipt = await session.write(partitionName(target), image, { ...io, workshop })
    imageBytes += receipt.imageBytes
    wireBytes += receipt.wireBytes
    digests.set(target, receipt.sha256)
  }
  const ms = performance.now() - startedAt
  return { run: { ms, imageBytes, wireBytes, wire: await terminal.account() }, digests }
}
