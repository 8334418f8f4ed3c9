// Loaded ahead of a program with `--import`: writes the peak of its resident memory to a file when it ends.
import { writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { residentBytes } from './own-memory.ts'

const file = process.env['SLOTBENCH_BENCH_PEAK']
if (isMainThread && file !== undefined)
  process.once('exit', () => writeFileSync(file, String(residentBytes('VmHWM'))))
