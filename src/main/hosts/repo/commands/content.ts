// slotbench-repo add | deploy | withdraw | publish | verify | status | prune: what benches can have.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { missingCase } from '../../../../shared/missing-case.ts'
import { compileDeployments, parseDeployments } from '../../../core/eligibility/compile.ts'
import { fileError } from '../../../io/files/open-file.ts'
import { verifyRepository } from '../../../io/repository/verify-repository.ts'
import { checkPublisher, checkRomName, romPath } from '../../../repository/format.ts'
import { contentOf, loadEdition } from '../../../repository/publishing/edition.ts'
import { prune, publish } from '../../../repository/publishing/repository.ts'
import { type Change, readStaging, stage, stagedPath } from '../../../repository/publishing/staging.ts'
import { showPass } from '../../cli/progress.ts'
import { addPackage, locked } from '../add-package.ts'
import { openKeys, type RepoContext, type SignOptions, sealOptions, storeAt } from '../context.ts'

export interface AddOptions {
  readonly publisher: string
  readonly name?: string
  readonly notes?: string
}

export async function add(
  { output, signal }: RepoContext,
  repository: string,
  path: string,
  options: AddOptions,
): Promise<number> {
  const name = checkRomName(options.name ?? plainName(path))
  const publisher = checkPublisher(options.publisher)
  const { info, rom, chunks } = await addPackage(storeAt(repository), path, {
    ...{ publisher, name, signal },
    ...(options.notes !== undefined && { notes: options.notes }),
    onVerify: showPass(output, 'Verifying'),
    onIndex: showPass(output, 'Indexing'),
  })
  output.data({ staged: { publisher, name, sha256: rom, chunks, build: info.build, models: info.models } })
  output.line(
    `${romPath(publisher, name)}  ${info.build ?? 'build not said'}, for ${info.models.join(', ') || 'no model named'}`,
  )
  output.line(`${info.delta === true ? 'Delta' : 'Full'}, ${chunks} chunks, SHA-256 ${rom}`)
  for (const note of info.notes) output.line(`Note: ${note}`)
  output.line('It waits for `slotbench-repo publish`.')
  return 0
}

/** The file's name without what not every file system and URL can carry. */
function plainName(path: string): string {
  return basename(path)
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
}

const MAX_DEPLOYMENT = 64 * 1024 * 1024

/** Stages the deployment rules, when they are understood as a whole and offer nothing that is not there. */
export async function deploy({ output }: RepoContext, repository: string, path: string): Promise<number> {
  const store = storeAt(repository)
  const content = await readSmall(path)
  const rules = parseDeployments(parseJson(content, path))
  compileDeployments(rules)
  const known = await romsAfterPublishing(repository)
  const missing = rules.roms.filter(({ target }) => !known.has(target))
  if (missing.length > 0)
    throw new SlotbenchError(
      'usage',
      `the repository has no ${missing.map(({ target }) => target).join(', ')}; a target is written roms/PUBLISHER/NAME`,
    )
  const sha256 = createHash('sha256').update(content).digest('hex')
  await locked(store, async () => {
    await store.write(stagedPath(sha256), content)
    await stage(store, { kind: 'deployment', file: { size: content.length, sha256 } })
  })
  output.data({ staged: { deployments: rules.deployments.length, roms: rules.roms.length } })
  output.line(
    `${rules.deployments.length} deployments of ${rules.roms.length} ROMs wait for \`slotbench-repo publish\`.`,
  )
  return 0
}

async function readSmall(path: string): Promise<Buffer> {
  const content = await readFile(path).catch((error) => {
    throw fileError(error, path)
  })
  if (content.length > MAX_DEPLOYMENT) throw new SlotbenchError('deployments-invalid', `${path} is too large`)
  return content
}

function parseJson(content: Buffer, path: string): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch (cause) {
    throw new SlotbenchError('deployments-invalid', `${path} is no JSON`, { cause })
  }
}

async function romsAfterPublishing(repository: string): Promise<ReadonlySet<string>> {
  const store = storeAt(repository)
  const { publishers } = contentOf(await loadEdition(store))
  const paths = new Set([...publishers.values()].flatMap(({ targets }) => Object.keys(targets)))
  for (const change of await readStaging(store)) {
    if (change.kind === 'deployment') continue
    const path = romPath(change.publisher, change.name)
    if (change.kind === 'add') paths.add(path)
    else paths.delete(path)
  }
  return paths
}

export async function withdraw({ output }: RepoContext, repository: string, rom: string): Promise<number> {
  const [publisher = '', name = '', ...more] = rom.replace(/^roms\//, '').split('/')
  if (more.length > 0 || name === '')
    throw new SlotbenchError('usage', `${rom} is not written PUBLISHER/NAME`)
  const store = storeAt(repository)
  if (!(await romsAfterPublishing(repository)).has(romPath(publisher, name)))
    throw new SlotbenchError('usage', `there is no ${romPath(publisher, name)}`)
  await locked(store, () => stage(store, { kind: 'withdraw', publisher, name }))
  output.data({ staged: { withdraw: romPath(publisher, name) } })
  output.line(`The withdrawal of ${romPath(publisher, name)} waits for \`slotbench-repo publish\`.`)
  return 0
}

const ROOT_DUE_MS = 60 * 86_400_000

export async function publishAll(
  { output }: RepoContext,
  repository: string,
  options: SignOptions,
): Promise<number> {
  const store = storeAt(repository)
  const seal = sealOptions(openKeys(repository, options), options)
  const { changes, version, rootExpires } = await locked(store, () => publish(store, seal))
  output.data({ published: { changes, version, rootExpires } })
  output.line(
    changes === 0
      ? `Nothing was staged; edition ${version} vouches for what there is.`
      : `Edition ${version} is public, with ${changes} changes.`,
  )
  if (rootExpires.getTime() - Date.now() < ROOT_DUE_MS)
    output.note(
      `The root of trust expires ${rootExpires.toISOString()}; \`slotbench-repo rotate ${repository} root --renew\` with its keys prolongs it.`,
    )
  return 0
}

export async function verifyAll({ output, signal }: RepoContext, repository: string): Promise<number> {
  const onProgress = showPass(output, 'Reading')
  const { listing, damage } = await verifyRepository(storeAt(repository), { signal, onProgress })
  const problems = [
    ...listing.problems.map(({ publisher, error }) => ({ file: publisher, detail: error.message })),
    ...damage,
  ]
  output.data({ roms: listing.roms.length, expires: listing.expires.toISOString(), problems })
  output.line(`${listing.roms.length} ROMs; the timestamp expires ${listing.expires.toISOString()}.`)
  for (const { file, detail } of problems) output.line(`${output.style('red', file)}: ${detail}`)
  if (problems.length > 0)
    throw new SlotbenchError('repo-damaged', problems.map(({ file }) => file).join(', '))
  output.line(output.style('green', 'Every signature, every file and every chunk index holds.'))
  return 0
}

export async function status({ output }: RepoContext, repository: string): Promise<number> {
  const store = storeAt(repository)
  const edition = await loadEdition(store)
  const changes = await readStaging(store)
  const roms = [...contentOf(edition).publishers].flatMap(([, { targets }]) =>
    Object.entries(targets).filter(([, entry]) => entry.custom !== undefined),
  )
  output.data({
    edition: edition.timestamp.signed.version,
    expires: edition.timestamp.signed.expires,
    roms: roms.map(([path, { length, hashes }]) => ({ path, size: length, sha256: hashes.sha256 })),
    staged: changes.map(wordsOf),
  })
  output.line(`Edition ${edition.timestamp.signed.version}, expires ${edition.timestamp.signed.expires}`)
  for (const [path, { length }] of roms) output.line(`  ${path}  ${formatBytes(length)}`)
  for (const change of changes) output.line(`Staged: ${wordsOf(change)}`)
  return 0
}

function wordsOf(change: Change): string {
  switch (change.kind) {
    case 'add':
      return `add ${romPath(change.publisher, change.name)}`
    case 'withdraw':
      return `withdraw ${romPath(change.publisher, change.name)}`
    case 'deployment':
      return 'new deployment rules'
    default:
      return missingCase(change)
  }
}

export async function pruneAll({ output }: RepoContext, repository: string): Promise<number> {
  const store = storeAt(repository)
  const removed = await locked(store, () => prune(store))
  output.data({ removed })
  output.line(`${removed.length} files that no edition names were removed.`)
  return 0
}
