// Tokens that let a publisher's machine bring packages to the server; only their digests are kept.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RepositoryStore } from '../../repository/publishing/store.ts'

const tokenSchema = z.object({
  name: z.string().min(1).max(64),
  publisher: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.string(),
})
export type UploadToken = z.infer<typeof tokenSchema>

const FILE = 'tokens.json'
const MAX = 1024 * 1024

/** @throws SlotbenchError `repo-damaged`. */
export async function listTokens(store: RepositoryStore): Promise<readonly UploadToken[]> {
  const content = await store.read(FILE, MAX)
  if (content === undefined) return []
  try {
    return z.array(tokenSchema).parse(JSON.parse(Buffer.from(content).toString('utf8')))
  } catch (cause) {
    throw new SlotbenchError('repo-damaged', `${FILE} cannot be read`, { cause })
  }
}

/** @returns the token, which is nowhere kept. @throws SlotbenchError `usage` when the name is taken. */
export async function createToken(
  store: RepositoryStore,
  { name, publisher }: Pick<UploadToken, 'name' | 'publisher'>,
): Promise<string> {
  const tokens = await listTokens(store)
  if (tokens.some((token) => token.name === name))
    throw new SlotbenchError('usage', `there is a token ${name} already`)
  const secret = randomBytes(32).toString('base64url')
  const token = {
    name,
    publisher,
    sha256: digestOf(secret).toString('hex'),
    createdAt: new Date().toISOString(),
  }
  await save(store, [...tokens, token])
  return secret
}

/** @throws SlotbenchError `usage` when there is none of that name. */
export async function removeToken(store: RepositoryStore, name: string): Promise<void> {
  const tokens = await listTokens(store)
  if (!tokens.some((token) => token.name === name))
    throw new SlotbenchError('usage', `there is no token ${name}`)
  await save(
    store,
    tokens.filter((token) => token.name !== name),
  )
}

/** Whose token `secret` is. */
export async function findToken(store: RepositoryStore, secret: string): Promise<UploadToken | undefined> {
  const digest = digestOf(secret)
  return (await listTokens(store)).find(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest))
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function save(store: RepositoryStore, tokens: readonly UploadToken[]): Promise<void> {
  return store.write(FILE, Buffer.from(JSON.stringify(tokens, undefined, 2)))
}
