// The repositories that this bench trusts, one folder each: where they are, what is trusted, and what was listed last.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { DEPLOYMENT } from '../../repository/format.ts'
import { keptListingSchema, type Listing } from '../../repository/listing.ts'
import { writeWhole } from '../files/write-whole.ts'
import { trustRoot } from './trusted-metadata.ts'

const repositorySchema = z.object({
  /** Where metadata and files are; absent for one that only comes on sticks. */
  url: z.string().optional(),
  /** Where files are too, nearer: another bench, a shared folder. */
  mirrors: z.array(z.string()),
  addedAt: z.string(),
})

export interface KnownRepository extends z.infer<typeof repositorySchema> {
  readonly name: string
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/
const CONFIG = 'repository.json'
const LISTING = 'listing.json'

export class KnownRepositories {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** By name. */
  async list(): Promise<readonly KnownRepository[]> {
    const names = (await readdir(this.#folder).catch(() => [])).filter((name) => NAME.test(name)).sort()
    const found = await Promise.all(names.map((name) => this.#read(name)))
    return found.filter((one) => one !== undefined)
  }

  /** @throws SlotbenchError `repo-unknown`. */
  async get(name: string): Promise<KnownRepository> {
    const found = NAME.test(name) ? await this.#read(name) : undefined
    if (found === undefined) throw new SlotbenchError('repo-unknown', `there is no repository ${name}`)
    return found
  }

  /** Trusts `root` and whatever follows from it; what a repository of that name trusted before is forgotten.
   * @throws SlotbenchError `usage`, `repo-invalid`, `repo-signature`. */
  async add(repository: Omit<KnownRepository, 'addedAt'>, root: Uint8Array): Promise<KnownRepository> {
    const { name, url, mirrors } = repository
    if (!NAME.test(name)) throw new SlotbenchError('usage', `${name} is no name for a repository`)
    await trustRoot(this.trusted(name), root)
    await rm(join(this.#folder, name, LISTING), { force: true })
    const config = { ...(url !== undefined && { url }), mirrors, addedAt: new Date().toISOString() }
    await this.#write(name, config)
    return { name, ...config }
  }

  /** Other addresses; what is trusted of it stays.
   * @throws SlotbenchError `repo-unknown`. */
  async change(name: string, { url, mirrors }: Pick<KnownRepository, 'url' | 'mirrors'>): Promise<void> {
    const { addedAt } = await this.get(name)
    await this.#write(name, { ...(url !== undefined && { url }), mirrors, addedAt })
  }

  #write(name: string, config: z.infer<typeof repositorySchema>): Promise<void> {
    return writeWhole(join(this.#folder, name, CONFIG), Buffer.from(JSON.stringify(config, undefined, 2)))
  }

  /** @throws SlotbenchError `repo-unknown`. */
  async remove(name: string): Promise<void> {
    await this.get(name)
    await rm(join(this.#folder, name), { recursive: true, force: true })
  }

  /** The folder of what is trusted of it. */
  trusted(name: string): string {
    return join(this.#folder, name, 'trusted')
  }

  async keepListing(name: string, listing: Listing): Promise<void> {
    const { roms, deployment, publishedAt, expires } = listing
    const kept = { roms, expires, ...(deployment && { deployment }), ...(publishedAt && { publishedAt }) }
    await writeWhole(join(this.#folder, name, LISTING), Buffer.from(JSON.stringify(kept)))
  }

  async keptListing(name: string): Promise<Listing | undefined> {
    const kept = keptListingSchema.safeParse(await readJson(join(this.#folder, name, LISTING)))
    if (!kept.success) return undefined
    const { roms, deployment, publishedAt, expires } = kept.data
    return { roms, deployment, publishedAt, expires, problems: [] }
  }

  /** When it was listed last; undefined when it never was. */
  async listedAt(name: string): Promise<Date | undefined> {
    return (await stat(join(this.#folder, name, LISTING)).catch(() => undefined))?.mtime
  }

  async keepDeployment(name: string, content: Uint8Array): Promise<void> {
    await writeWhole(join(this.#folder, name, DEPLOYMENT), content)
  }

  /** @returns undefined when other rules, or none, were kept. */
  async keptDeployment(name: string, digest: Sha256): Promise<Uint8Array | undefined> {
    const content = await readFile(join(this.#folder, name, DEPLOYMENT)).catch(() => undefined)
    return content && createHash('sha256').update(content).digest('hex') === digest ? content : undefined
  }

  async #read(name: string): Promise<KnownRepository | undefined> {
    const config = repositorySchema.safeParse(await readJson(join(this.#folder, name, CONFIG)))
    return config.success ? { name, ...config.data } : undefined
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}
