// slotbench support: one file for whoever helps from afar, with pseudonyms in the place of what tells whose terminal it is.
import { resolve } from 'node:path'
import { gatherSupport, saveSupport, zipSupport } from '../../support-file.ts'
import { type CommandContext, withBench } from '../command.ts'

export interface SupportOptions {
  readonly out?: string
}

export async function support(
  context: CommandContext,
  jobs: readonly string[],
  { out }: SupportOptions,
): Promise<number> {
  return withBench(context, {}, async (bench) => {
    // The log of the window's bench is in its memory alone.
    const { files, replaced } = await gatherSupport(bench, { jobs, log: undefined, operators: [] })
    const path = resolve(out ?? `slotbench-support-${jobs.join('-').slice(0, 80)}.zip`)
    await saveSupport(path, await zipSupport(files))
    context.output.data({ file: path, files: files.map(({ name }) => name), replaced })
    context.output.line(`Bundle          ${path}`)
    for (const { name, text } of files) context.output.line(`  ${name} (${Buffer.byteLength(text)} bytes)`)
    context.output.line('Replaced')
    for (const { original, pseudonym, count } of replaced)
      context.output.line(`  ${original} → ${pseudonym} (${count} times)`)
    context.output.line('Look at it before you send it: what only you would recognise, no program knows.')
    return 0
  })
}
