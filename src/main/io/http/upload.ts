// Brings a file to a server as the body of one request.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request } from 'undici'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { fileError } from '../files/open-file.ts'
import { proxyAgent } from './undici-client.ts'

export interface Upload {
  readonly url: string
  readonly path: string
  readonly token: string
}

/** The server reads and verifies the whole package before it answers. */
const ANSWER_MS = 3_600_000
const MAX_ANSWER = 64 * 1024

/** @returns the server's words. @throws SlotbenchError `repo-refused` with them, `repo-unreachable`, `package-not-found`, `cancelled`. */
export async function uploadFile(
  { url, path, token }: Upload,
  { signal, onProgress }: { readonly signal: AbortSignal; onProgress(done: number, total: number): void },
): Promise<string> {
  const { size } = await stat(path).catch((error) => {
    throw fileError(error, path)
  })
  const agent = proxyAgent({ headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS })
  let sent = 0
  const body = createReadStream(path).on('data', (piece) => {
    sent += piece.length
    onProgress(sent, size)
  })
  try {
    const answer = await request(url, {
      ...{ method: 'PUT', dispatcher: agent, signal, body },
      headers: {
        ...{ authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
        'content-length': String(size),
      },
    })
    const words = (await answer.body.text()).slice(0, MAX_ANSWER)
    if (answer.statusCode !== 200)
      throw new SlotbenchError('repo-refused', `the server answered ${answer.statusCode}: ${words}`)
    return words
  } catch (error) {
    if (error instanceof SlotbenchError) throw error
    if (signal.aborted) throw abortError(signal)
    const words = error instanceof Error ? error.message : String(error)
    throw new SlotbenchError('repo-unreachable', `${url}: ${words}`, { cause: error })
  } finally {
    body.destroy()
    await agent.destroy()
  }
}
