// Where the bytes of one LUN lie: in memory or in a sparse file; with cheap copies for dry runs.
import { type FileHandle, open } from 'node:fs/promises'
import { SlotbenchError } from '../../shared/errors.ts'

/** Byte-addressed backing of one LUN. Ranges are checked by the caller; never-written bytes read as zeros. */
export interface Medium {
  readonly size: number
  /** Fills `target` from `offset`. */
  read(offset: number, target: Uint8Array): Promise<void>
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Sets a range to zeros, giving its space back. */
  discard(offset: number, length: number): Promise<void>
  /** A copy that shares unchanged pages; writes to either are not seen by the other. */
  fork(): Medium
  close(): Promise<void>
}

const PAGE = 256 * 1024

/** Calls `visit` for each page that a range touches. */
function eachPage(
  offset: number,
  length: number,
  visit: (page: number, within: number, from: number, count: number) => void,
): void {
  for (let from = 0; from < length; ) {
    const at = offset + from
    const within = at % PAGE
    const count = Math.min(PAGE - within, length - from)
    visit(Math.floor(at / PAGE), within, from, count)
    from += count
  }
}

/** Pages in a map; holes cost nothing; forks share pages until one side writes. */
export class MemoryMedium implements Medium {
  readonly size: number
  #pages = new Map<number, Uint8Array>()
  /** Pages no fork shares. */
  #own = new Set<number>()

  constructor(size: number) {
    this.size = size
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    eachPage(offset, target.length, (page, within, from, count) => {
      const bytes = this.#pages.get(page)
      if (bytes) target.set(bytes.subarray(within, within + count), from)
      else target.fill(0, from, from + count)
    })
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    eachPage(offset, bytes.length, (page, within, from, count) => {
      if (count === PAGE && !this.#own.has(page)) this.#adopt(page, bytes.slice(from, from + PAGE))
      else this.#writable(page).set(bytes.subarray(from, from + count), within)
    })
  }

  async discard(offset: number, length: number): Promise<void> {
    eachPage(offset, length, (page, within, _from, count) => {
      if (count === PAGE) {
        this.#pages.delete(page)
        this.#own.delete(page)
      } else if (this.#pages.has(page)) {
        this.#writable(page).fill(0, within, within + count)
      }
    })
  }

  fork(): MemoryMedium {
    const copy = new MemoryMedium(this.size)
    copy.#pages = new Map(this.#pages)
    this.#own = new Set()
    return copy
  }

  async close(): Promise<void> {
    this.#pages.clear()
  }

  #writable(page: number): Uint8Array {
    const present = this.#pages.get(page)
    if (present && this.#own.has(page)) return present
    return this.#adopt(page, present?.slice() ?? new Uint8Array(PAGE))
  }

  #adopt(page: number, bytes: Uint8Array): Uint8Array {
    this.#pages.set(page, bytes)
    this.#own.add(page)
    return bytes
  }
}

/** A sparse file; writes go straight through. */
export class FileMedium implements Medium {
  readonly size: number
  readonly #file: FileHandle

  private constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  /** Opens or creates the file and gives it its size.
   * @throws SlotbenchError `host-io`. */
  static async open(path: string, size: number): Promise<FileMedium> {
    try {
      // 'a+' would force appending on Linux; 'r+' fails on a new file, so it is made first.
      await (await open(path, 'a')).close()
      const file = await open(path, 'r+')
      if ((await file.stat()).size !== size) await file.truncate(size)
      return new FileMedium(file, size)
    } catch (cause) {
      throw new SlotbenchError('host-io', `cannot open ${path} as storage`, {
        cause,
        context: { file: path },
      })
    }
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    let done = 0
    while (done < target.length) {
      const { bytesRead } = await this.#file.read(target, done, target.length - done, offset + done)
      if (bytesRead === 0) {
        target.fill(0, done)
        return
      }
      done += bytesRead
    }
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      done += (await this.#file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten
    }
  }

  async discard(offset: number, length: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(length, 1024 * 1024))
    for (let done = 0; done < length; done += zeros.length) {
      await this.write(offset + done, zeros.subarray(0, Math.min(zeros.length, length - done)))
    }
  }

  fork(): Medium {
    return new OverlayMedium(this)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** Changes kept in memory over a medium that must not change meanwhile: for dry runs over files. */
class OverlayMedium implements Medium {
  readonly size: number
  readonly #base: Medium
  #changes = new Map<number, Uint8Array>()

  constructor(base: Medium) {
    this.#base = base
    this.size = base.size
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    await this.#base.read(offset, target)
    eachPage(offset, target.length, (page, within, from, count) => {
      const changed = this.#changes.get(page)
      if (changed) target.set(changed.subarray(within, within + count), from)
    })
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const touched: (readonly [number, number, number, number])[] = []
    eachPage(offset, bytes.length, (...page) => touched.push(page))
    for (const [page, within, from, count] of touched) {
      const changed = this.#changes.get(page) ?? (await this.#load(page))
      changed.set(bytes.subarray(from, from + count), within)
    }
  }

  async discard(offset: number, length: number): Promise<void> {
    await this.write(offset, new Uint8Array(length))
  }

  fork(): Medium {
    const copy = new OverlayMedium(this.#base)
    copy.#changes = new Map(Array.from(this.#changes, ([page, bytes]) => [page, bytes.slice()]))
    return copy
  }

  async close(): Promise<void> {
    this.#changes.clear()
  }

  async #load(page: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(PAGE)
    await this.#base.read(page * PAGE, bytes.subarray(0, Math.min(PAGE, this.size - page * PAGE)))
    this.#changes.set(page, bytes)
    return bytes
  }
}
