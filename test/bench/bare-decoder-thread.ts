// One thread of bare-decoders.ts: read, decode, throw away.
import { openSync, readSync } from 'node:fs'
import { ReadableStream } from 'node:stream/web'
import { parentPort, workerData } from 'node:worker_threads'
import Bzip2 from '@foxglove/wasm-bz2'
import xz from 'xz-decompress'
import type { BareOperation, BareWork } from './bare-decoders.ts'

const { path, operations, next } = workerData as BareWork
const counter = new Int32Array(next)
const file = openSync(path, 'r')
const bzip2 = await Bzip2.init()

parentPort?.on('message', async () => {
  for (;;) {
    const operation = operations[Atomics.add(counter, 0, 1)]
    if (operation === undefined) break
    if ((await decode(operation)) !== operation.outputBytes) throw new Error('the output has another size')
  }
  parentPort?.postMessage('done')
})

async function decode({ kind, dataOffset, dataLength, outputBytes }: BareOperation): Promise<number> {
  const data = new Uint8Array(dataLength)
  readSync(file, data, 0, dataLength, dataOffset)
  if (kind === 'bzip2') return bzip2.decompress(data, outputBytes).length
  const input = new ReadableStream({
    start(controller) {
      controller.enqueue(data)
      controller.close()
    },
  })
  let length = 0
  const reader = new xz.XzReadableStream(input).getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.length
  return length
}
