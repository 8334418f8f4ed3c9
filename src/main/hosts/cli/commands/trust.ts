// slotbench trust: the keys of publishers that this bench trusts.
import { formatTime } from '../../../../shared/format.ts'
import type { TrustAnchor } from '../../../../shared/trust.ts'
import { anchorIn } from '../../key-files.ts'
import { type CommandContext, withBench } from '../command.ts'

export async function trustList(context: CommandContext): Promise<number> {
  return withBench(context, {}, async ({ anchors }) => {
    const all = anchors.list()
    const { output } = context
    output.data({ anchors: all })
    if (all.length === 0)
      output.line('No publisher is trusted yet; `slotbench trust add` adds one. Packages are intact at best.')
    for (const anchor of all) {
      output.line(`${anchor.name}  (${kindOf(anchor)})`)
      output.line(`  sha256 ${anchor.fingerprint}`)
      output.line(`  added ${formatTime(anchor.addedAt)} by ${anchor.addedBy}`)
    }
    return 0
  })
}

export interface TrustAddOptions {
  readonly name?: string
}

export async function trustAdd(
  context: CommandContext,
  path: string,
  { name }: TrustAddOptions,
): Promise<number> {
  const anchor = await anchorIn(path, name)
  return withBench(context, {}, async ({ anchors }) => {
    anchors.add(anchor)
    context.output.data({ added: anchor })
    context.output.line(`Trusted from now on: ${anchor.name}  (${kindOf(anchor)})`)
    context.output.line(`  sha256 ${anchor.fingerprint}`)
    context.output.line(
      '  Compare this fingerprint with what the publisher says, by another way than the file came.',
    )
    return 0
  })
}

export async function trustRemove(context: CommandContext, named: string): Promise<number> {
  return withBench(context, {}, async ({ anchors }) => {
    const removed = anchors.remove(named)
    context.output.data({ removed })
    context.output.line(`No longer trusted: ${removed.name}  (sha256 ${removed.fingerprint.slice(0, 16)}…)`)
    return 0
  })
}

const KINDS = {
  certificate: 'certificate of a signer of packages',
  'public-key': 'public key',
  'avb-key': 'key of verified boot',
} as const

function kindOf({ kind }: TrustAnchor): string {
  return KINDS[kind]
}
