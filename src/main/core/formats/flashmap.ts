// flashmap.json, qdl's list of what is programmed on which storage and with which programmer (qdl flashmap.c, version 1.1.0).
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'
import { unsafePath } from './program-attributes.ts'

export interface FlashmapLayout {
  readonly product: string
  readonly name: string
  readonly programmers: readonly string[]
  readonly memory: string
  /** rawprogram and patch files in their order. */
  readonly files: readonly string[]
}

const path = z.string().max(1024)
const schema = z.object({
  version: z.literal('1.1.0'),
  products: z
    .array(
      z.object({
        name: z.string().max(200),
        layouts: z
          .array(
            z.object({
              name: z.string().max(200),
              programmer: z.array(path).min(1).max(128),
              programmable: z
                .array(
                  z.object({
                    memory: z.string().max(32),
                    slot: z.number().int().nonnegative(),
                    files: z.array(path).min(1).max(256),
                  }),
                )
                .min(1)
                .max(16),
            }),
          )
          .min(1)
          .max(32),
      }),
    )
    .min(1)
    .max(64),
})

/** Every layout of every product in it. One that programs several storages at once is several of them.
 * @throws SlotbenchError `rawprogram-invalid`. */
export function parseFlashmap(bytes: Uint8Array, file: string): readonly FlashmapLayout[] {
  const parsed = schema.safeParse(parseJson(bytes, file))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(file, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`)
  }
  return parsed.data.products.flatMap((product) =>
    product.layouts.flatMap((layout) =>
      layout.programmable.map(({ memory, files }) => ({
        product: plainText(product.name),
        name: plainText(layout.name),
        // With several programmers each has the number of its image before it.
        programmers: layout.programmer.map((name) =>
          inside(name.replace(/^(?:0x[0-9a-f]+|\d+):/i, ''), file),
        ),
        memory: memory.toLowerCase(),
        files: files.map((name) => inside(name, file)),
      })),
    ),
  )
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new SlotbenchError('rawprogram-invalid', `${file} is not JSON`, { cause })
  }
}

function inside(name: string, file: string): string {
  const problem = unsafePath(name)
  if (problem !== undefined) throw invalid(file, `the path ${JSON.stringify(name.slice(0, 200))} ${problem}`)
  return name.replace(/^(?:\.\/)+/, '')
}

function invalid(file: string, detail: string): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${file}: ${detail}`, { context: { file } })
}
