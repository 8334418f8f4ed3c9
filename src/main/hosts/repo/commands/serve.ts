// slotbench-repo serve | token | upload: the repository over HTTP.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { missingCase } from '../../../../shared/missing-case.ts'
import { fileError } from '../../../io/files/open-file.ts'
import { uploadFile } from '../../../io/http/upload.ts'
import { createToken, listTokens, removeToken } from '../../../io/repository/upload-tokens.ts'
import { checkPublisher, checkRomName } from '../../../repository/format.ts'
import { loadEdition } from '../../../repository/publishing/edition.ts'
import { showPass } from '../../cli/progress.ts'
import { type RepoContext, storeAt } from '../context.ts'
import { type ServerEvent, serveRepository } from '../server.ts'

export interface ServeCommandOptions {
  readonly host: string
  readonly port: number
  readonly uploads: boolean
  readonly maxUpload: number
}

/** Downloads under way may end after Ctrl-C; milliseconds. */
const GRACE_MS = 10_000
const LOOPBACK = /^(127\.|localhost$|::1$)/

export async function serve(
  { output, signal }: RepoContext,
  repository: string,
  options: ServeCommandOptions,
): Promise<number> {
  const store = storeAt(repository)
  await loadEdition(store)
  const onEvent = (event: ServerEvent) => {
    output.data({ server: event })
    output.note(`  ${wordsOf(event)}`)
  }
  const server = await serveRepository(store, { ...options, signal, onEvent })
  output.data({ url: server.url })
  output.line(`Serving ${store.root} at ${server.url}  Ctrl-C ends it.`)
  if (!LOOPBACK.test(options.host))
    output.note(
      'Others on the network can reach it without encryption. What they fetch is signed; tokens for uploads are not safe that way: put a TLS proxy in front.',
    )
  if (!signal.aborted) await once(signal, 'abort')
  await server.stop(GRACE_MS)
  return 0
}

function wordsOf(event: ServerEvent): string {
  switch (event.kind) {
    case 'checked':
      return `a terminal was checked; ${event.eligible} ROMs for it`
    case 'uploaded':
      return `${event.publisher} brought ${event.name}; it waits for \`slotbench-repo publish\``
    case 'failed':
      return `${event.url}: ${event.detail} [${event.code}]`
    default:
      return missingCase(event)
  }
}

export async function newToken(
  { output }: RepoContext,
  repository: string,
  name: string,
  { publisher }: { readonly publisher: string },
): Promise<number> {
  const token = await createToken(storeAt(repository), { name, publisher: checkPublisher(publisher) })
  output.data({ token: { name, publisher, secret: token } })
  output.line(token)
  output.note('This is the only time that it is shown.')
  return 0
}

export async function tokens({ output }: RepoContext, repository: string): Promise<number> {
  const all = await listTokens(storeAt(repository))
  output.data({ tokens: all.map(({ name, publisher, createdAt }) => ({ name, publisher, createdAt })) })
  for (const { name, publisher, createdAt } of all)
    output.line(`${name}  for ${publisher}, since ${createdAt}`)
  return 0
}

export async function dropToken({ output }: RepoContext, repository: string, name: string): Promise<number> {
  await removeToken(storeAt(repository), name)
  output.data({ removed: name })
  output.line(`The token ${name} counts no more.`)
  return 0
}

export interface UploadOptions {
  readonly publisher: string
  readonly name?: string
  readonly tokenFile?: string
}

export const TOKEN_VARIABLE = 'SLOTBENCH_REPO_TOKEN'

export async function upload(
  { output, signal }: RepoContext,
  url: string,
  path: string,
  options: UploadOptions,
): Promise<number> {
  const name = checkRomName(options.name ?? basename(path))
  const publisher = checkPublisher(options.publisher)
  const token = await readToken(options.tokenFile)
  const at = new URL(`v1/roms/${publisher}/${encodeURIComponent(name)}`, url.endsWith('/') ? url : `${url}/`)
  const answer = await uploadFile(
    { url: at.href, path, token },
    { signal, onProgress: showPass(output, 'Sending') },
  )
  output.data({ uploaded: { publisher, name, answer } })
  output.line(`${publisher}/${name} is on the server and waits for its owner to publish it.`)
  return 0
}

async function readToken(file: string | undefined): Promise<string> {
  if (file === undefined) {
    const given = process.env[TOKEN_VARIABLE]
    if (given === undefined || given === '')
      throw new SlotbenchError('usage', `give the token with --token-file or ${TOKEN_VARIABLE}`)
    return given
  }
  const text = await readFile(file, 'utf8').catch((error) => {
    throw fileError(error, file)
  })
  return text.trim()
}
