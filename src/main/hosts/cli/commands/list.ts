// slotbench list: what is attached, on which bay, in which mode.
import type { KnownIdentity } from '../../../../shared/contract.ts'
import { Deadline } from '../../../../shared/io-options.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import { parseEndpoint } from '../../../io/tcp/endpoint.ts'
import { seenAs } from '../../../terminals/identity.ts'
import type { Sighting } from '../../../terminals/types.ts'
import type { Bench } from '../../bench.ts'
import { knownIdentity, knownWords } from '../../known-identity.ts'
import { type CommandContext, endpointsIn, withBench } from '../command.ts'
import { explained } from './info.ts'

const SCAN_MS = 5_000

export async function list(context: CommandContext, endpoints: readonly string[]): Promise<number> {
  const named = endpointsIn(endpoints)
  return withBench(context, { endpoints: named }, async (bench) => {
    const discovery = bench.discovery()
    const sightings = await discovery.scan({ signal: context.signal, deadline: Deadline.after(SCAN_MS) })
    const silent = named
      .map((name) => parseEndpoint(name).bay)
      .filter((bay) => sightings.every((s) => s.bay !== bay))
    const { output } = context
    output.data({
      terminals: sightings.map((s) => asData(s, knownIdentity(bench.known, s, new Date()))),
      silent,
      notices: discovery.notices.map(({ code, message, meaning, next }) => ({
        code,
        message,
        meaning,
        next,
      })),
    })
    for (const notice of discovery.notices) output.note(`${notice.meaning} ${notice.message}. ${notice.next}`)
    for (const bay of silent)
      output.note(`Nothing answers at ${bay}: neither fastboot nor, where its port is named, ADB.`)
    if (sightings.length === 0) output.line('No terminal is attached.')
    for (const sighting of sightings) {
      const link = sighting.usb?.speed === undefined ? '' : `  ${sighting.usb.speed} speed`
      output.line(
        `${sighting.bay.padEnd(14)} ${sighting.mode.padEnd(11)} ${sighting.serial ?? '–'}  ${sighting.product ?? ''}${link}`,
      )
      for (const line of memory(sighting, bench)) output.line(`  ${line}`)
      for (const line of explanation(sighting)) output.line(`  ${line}`)
      if (sighting.problem !== undefined)
        output.line(`  ${sighting.problem.meaning} ${sighting.problem.next}`)
    }
    return 0
  })
}

/** Said where the terminal does not say by itself which one it is. */
function memory(sighting: Sighting, bench: Bench): readonly string[] {
  if (sighting.serial !== undefined) return []
  const link = bench.known.recall(seenAs(sighting, new Date()))
  if (link.kind === 'conflict') return [`It cannot be told which terminal this is: ${link.why}.`]
  const known = knownIdentity(bench.known, sighting, new Date())
  if (known === undefined) return []
  return [
    `Known as ${plainText(knownWords(known))}: ${known.why}.`,
    ...(known.caution === undefined ? [] : [known.caution]),
  ]
}

/** Words only where there is something to do: what speaks fastboot or ADB is what a plan works with. */
function explanation({ personality, protocol }: Sighting): readonly string[] {
  if (personality === undefined || (protocol !== undefined && protocol !== 'edl')) return []
  return explained(personality)
}

function asData(sighting: Sighting, known: KnownIdentity | undefined) {
  const { bay, mode, protocol, serial, chipSerial, product, personality, usb, problem } = sighting
  return {
    known,
    protocol,
    bay,
    mode,
    serial,
    chipSerial,
    product,
    personality,
    usb,
    problem:
      problem === undefined
        ? undefined
        : { code: problem.code, message: problem.message, next: problem.next },
  }
}
