// One thread of the plain SHA-256 that trust.ts is compared with: the same few mebibytes over and over, for as many bytes as asked.
import { createHash, randomFillSync } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

const piece = randomFillSync(new Uint8Array(1024 * 1024))

parentPort?.on('message', (bytes: number) => {
  const hash = createHash('sha256')
  for (let done = 0; done < bytes; done += piece.length)
    hash.update(piece.subarray(0, Math.min(piece.length, bytes - done)))
  parentPort?.postMessage(hash.digest('hex'))
})
