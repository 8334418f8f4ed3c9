// Downloads that somebody asked for and that are not at their end, in a file: the next start of the bench goes on with them.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeWhole } from '../../../io/files/write-whole.ts'

const MOST = 256
const fileSchema = z
  .array(
    z.object({
      rom: z.string().regex(/^[0-9a-f]{64}$/),
      name: z.string().max(200),
      total: z.number().int().nonnegative(),
      done: z.number().int().nonnegative(),
      /** Somebody stopped it: it waits until somebody goes on with it. */
      stopped: z.boolean(),
    }),
  )
  .max(MOST)

export type WantedDownload = z.infer<typeof fileSchema>[number]

export class WantedDownloads {
  readonly #path: string
  readonly #wanted = new Map<string, WantedDownload>()
  #saving: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** A file that cannot be read is as none: what is there of a download is found when it is asked for again. */
  async load(): Promise<readonly WantedDownload[]> {
    const text = await readFile(this.#path, 'utf8').catch(() => '[]')
    try {
      for (const wanted of fileSchema.parse(JSON.parse(text))) this.#wanted.set(wanted.rom, wanted)
    } catch {
      this.#wanted.clear()
    }
    return [...this.#wanted.values()]
  }

  put(wanted: WantedDownload): void {
    if (!this.#wanted.has(wanted.rom) && this.#wanted.size >= MOST) return
    this.#wanted.set(wanted.rom, wanted)
    this.#save()
  }

  remove(rom: string): void {
    if (this.#wanted.delete(rom)) this.#save()
  }

  /** When everything is on the disk. */
  async close(): Promise<void> {
    await this.#saving
  }

  /** The list is a convenience: a disk that is full takes nothing else along. */
  #save(): void {
    const content = Buffer.from(JSON.stringify([...this.#wanted.values()]))
    this.#saving = this.#saving.then(() => writeWhole(this.#path, content)).catch(() => {})
  }
}
