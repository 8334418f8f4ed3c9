// A firmware repository for tests: keys in memory, packages of noise, published for real into a folder.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteSource } from '../src/main/core/source.ts'
import { FolderStore } from '../src/main/io/repository/folder-store.ts'
import { addRom } from '../src/main/repository/publishing/add-rom.ts'
import type { RoleKeys } from '../src/main/repository/publishing/documents.ts'
import { addPublisher, initRepository, publish } from '../src/main/repository/publishing/repository.ts'
import type { KeyRing, SealOptions } from '../src/main/repository/publishing/seal.ts'
import { newSigner, type Signer } from '../src/main/repository/publishing/signing-key.ts'
import type { RepositoryStore } from '../src/main/repository/publishing/store.ts'
import type { RomInfo } from '../src/shared/rom.ts'
import { bytes } from '../src/shared/units.ts'
import { randomBytes } from '../src/simulator/randomness.ts'

export const NEVER = new AbortController().signal

/** Keys by what they are for; `ring` has all of them but those that were taken away. */
export class TestKeys {
  readonly #signers = new Map<string, ReturnType<typeof newSigner>>()
  readonly ring: KeyRing = { signer: async (keyId) => this.#signers.get(keyId) }

  role(count = 1, threshold = count): RoleKeys {
    const signers = Array.from({ length: count }, () => newSigner())
    for (const signer of signers) this.#signers.set(signer.keyId, signer)
    return { keys: signers.map(({ publicKey }) => publicKey), threshold }
  }

  /** For attackers, too: whoever holds a key may sign with it. */
  all(): readonly Signer[] {
    return [...this.#signers.values()]
  }

  /** For a process that publishes. */
  secrets(): readonly string[] {
    return [...this.#signers.values()].map(({ secret }) => secret.toString('hex'))
  }

  lose(keyId: string): void {
    this.#signers.delete(keyId)
  }
}

export class TestRepository {
  readonly folder: string
  readonly store: RepositoryStore
  readonly keys = new TestKeys()
  now = new Date()

  private constructor(folder: string, store: RepositoryStore) {
    this.folder = folder
    this.store = store
  }

  /** With one publisher, `acme`, and nothing published by it. */
  static async create(
    thresholds: Partial<Record<'root' | 'targets' | 'acme', number>> = {},
  ): Promise<TestRepository> {
    const folder = await mkdtemp(join(tmpdir(), 'slotbench repository – 固件 '))
    const repository = new TestRepository(folder, new FolderStore(folder))
    const { keys } = repository
    await initRepository(
      repository.store,
      {
        ...{ root: keys.role(thresholds.root), targets: keys.role(thresholds.targets) },
        ...{ snapshot: keys.role(), timestamp: keys.role() },
      },
      repository.seal,
    )
    const acme = { name: 'acme', keys: keys.role(thresholds.acme) }
    await addPublisher(repository.store, acme, repository.seal)
    return repository
  }

  get seal(): SealOptions {
    return { ring: this.keys.ring, now: this.now }
  }

  get public(): string {
    return join(this.folder, 'public')
  }

  stage(name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.stageSource(name, memorySource(name, content))
  }

  async stageSource(name: string, source: ByteSource): Promise<void> {
    await addRom(this.store, source, {
      ...{ publisher: 'acme', name, info: romInfo(name), signal: NEVER },
    })
  }

  async add(name: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.stage(name, content)
    await this.publish()
  }

  async publish(): Promise<void> {
    await publish(this.store, this.seal)
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

export function memorySource(name: string, content: Uint8Array<ArrayBuffer>): ByteSource {
  return {
    name,
    size: bytes(content.length),
    read: async (offset, length) => content.slice(offset, offset + length),
    close: async () => {},
  }
}

export function romInfo(build: string): RomInfo {
  return {
    ...{ kind: 'ota-zip', path: build, packageSize: 0, fingerprint: build, models: ['NX769J'], build },
    ...{ full: true, downgrade: false, requirements: [], dynamicGroups: [], images: [], notes: [] },
  }
}

/** Noise that is the same for the same seed. */
export function noise(seed: string, size: number): Uint8Array<ArrayBuffer> {
  return randomBytes(seed, size)
}
