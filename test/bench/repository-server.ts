// Serves the repository in the folder that is its argument, on loopback, until it is told to end. Says its address.
import { once } from 'node:events'
import { serveRepository } from '../../src/main/hosts/repo/server.ts'
import { FolderStore } from '../../src/main/io/repository/folder-store.ts'

const stop = new AbortController()
const server = await serveRepository(new FolderStore(process.argv[2] ?? ''), {
  ...{ host: '127.0.0.1', port: 0, uploads: false, maxUpload: 0 },
  signal: stop.signal,
})
process.stdout.write(`${server.url}\n`)
await once(process, 'SIGTERM')
stop.abort()
await server.stop(0)
