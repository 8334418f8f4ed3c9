// A repository with real ROMs for simulated terminals, and rules that say which one is for whom.
import { createHash } from 'node:crypto'
import { addPackage } from '../src/main/hosts/repo/add-package.ts'
import { FolderStore } from '../src/main/io/repository/folder-store.ts'
import { romPath } from '../src/main/repository/format.ts'
import { stage, stagedPath } from '../src/main/repository/publishing/staging.ts'
import type { DeploymentSet } from '../src/shared/deployment.ts'
import { NEVER, TestRepository } from './firmware-repository.ts'

export interface OfferedPackage {
  readonly path: string
  readonly name: string
  readonly build: string
  /** Of the deployment; none: nobody is offered it. */
  readonly models?: readonly string[]
  readonly withdrawn?: string
}

/** Published with the product's own tools. */
export async function romRepository(packages: readonly OfferedPackage[]): Promise<TestRepository> {
  const repository = await TestRepository.create()
  const store = new FolderStore(repository.folder)
  for (const { path, name } of packages)
    await addPackage(store, path, { publisher: 'acme', name, signal: NEVER })
  await deployRules(repository, rulesFor(packages))
  await repository.publish()
  return repository
}

function rulesFor(packages: readonly OfferedPackage[]): DeploymentSet {
  const ids = packages.map((one, i) => ({ ...one, id: `rom${i}` }))
  return {
    version: 1,
    roms: ids.map(({ id, name, build }) => ({ id, target: romPath('acme', name), build })),
    deployments: ids.flatMap(({ id, models = [] }) =>
      models.length === 0
        ? []
        : [
            {
              ...{ id: `to-${id}`, rom: id, channel: 'stable', models: [...models] },
              waive: ['rollback', 'build', 'security-patch'] as const,
            },
          ],
    ),
    withdrawn: ids.flatMap(({ id, withdrawn }) =>
      withdrawn === undefined ? [] : [{ rom: id, reason: withdrawn }],
    ),
  }
}

/** Staged as they are, understood or not. */
export async function deployRules({ store }: TestRepository, rules: unknown): Promise<void> {
  const content = Buffer.from(JSON.stringify(rules))
  const digest = createHash('sha256').update(content).digest('hex')
  await store.write(stagedPath(digest), content)
  await stage(store, { kind: 'deployment', file: { size: content.length, sha256: digest } })
}

export function rootOf(repository: TestRepository): string {
  return `${repository.public}/metadata/1.root.json`
}
