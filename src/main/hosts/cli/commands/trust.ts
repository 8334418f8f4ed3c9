// slotbench trust: the keys of publishers that this bench trusts.
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatTime } from '../../../../shared/format.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import type { TrustAnchor } from '../../../../shared/trust.ts'
import { parseAnchor } from '../../../core/trust/anchors.ts'
import { fileError } from '../../../io/files/open-file.ts'
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
  const { kind, data, fingerprint, subject } = parseAnchor(await contentOf(path))
  const anchor: TrustAnchor = {
    ...{ kind, fingerprint, data: Buffer.from(data).toString('base64') },
    name: nameFrom(name ?? subject ?? basename(path)),
    addedAt: new Date().toISOString(),
    addedBy: whoIsThis(),
  }
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

async function contentOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw fileError(error, path)
  }
}

function nameFrom(text: string): string {
  const name = plainText(text).trim().slice(0, 100)
  if (name === '') throw new SlotbenchError('anchor-invalid', 'give the key a name with --name')
  return name
}

/** Containers run without a user of a name. */
function whoIsThis(): string {
  try {
    return userInfo().username
  } catch {
    return 'unknown'
  }
}

const KINDS = {
  certificate: 'certificate of a signer of packages',
  'public-key': 'public key',
  'avb-key': 'key of verified boot',
} as const

function kindOf({ kind }: TrustAnchor): string {
  return KINDS[kind]
}
