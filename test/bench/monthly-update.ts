// (i) What next month's ROM costs a bench that has this month's: ext4 images with a few files changed, packed as payloads.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byteSourceImage } from '../../src/main/core/formats/raw-image.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { parseChunkIndex } from '../../src/main/repository/chunk-index.ts'
import { type TargetRef, targetFile } from '../../src/main/repository/format.ts'
import { makeBuild } from '../../src/simulator/make-images.ts'
import { randomBytes, seededRandom } from '../../src/simulator/randomness.ts'
import { programCompressor } from '../../src/simulator/rom-factory/compressors.ts'
import { writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { TestRepository } from '../firmware-repository.ts'
import { BenchClient } from '../repository/bench-client.ts'
import { FileServer } from '../repository/file-server.ts'
import { findTool } from '../tools.ts'
import { type BenchCase, type BenchContext, MIB, type Outcome } from './measurement.ts'
import { runProgram } from './programs.ts'
import { terminalProfile } from './terminal-profile.ts'

export const monthlyUpdate: BenchCase = {
  name: 'monthly',
  title: '(i) Next month’s ROM for a bench that has this month’s',
  measure,
}

const MONTHS = ['this', 'next'] as const
/** Of the files in the image, in each month. */
const CHANGED = 0.02

interface Tools {
  readonly mkfs: string
  readonly debugfs: string
  readonly xz: string
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const [mkfs, debugfs, xz] = [findTool('mkfs.ext4'), findTool('debugfs'), findTool('xz')]
  if (mkfs === undefined || debugfs === undefined)
    return { kind: 'not-measured', reason: 'e2fsprogs is not installed' }
  if (xz === undefined) return { kind: 'not-measured', reason: 'xz is not installed' }
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-monthly-'))
  const repository = await TestRepository.create()
  try {
    const size = (bench.quick ? 64 : 1024) * MIB
    await makeMonths(folder, size, { tools: { mkfs, debugfs, xz }, bench })
    for (const month of MONTHS) {
      const source = await openFile(join(folder, `${month}.zip`))
      await repository.stageSource(`${month}.zip`, source)
      await source.close()
    }
    await repository.publish()
    return await fetched(repository, size)
  } finally {
    await repository.close()
    await rm(folder, { recursive: true })
  }
}

interface Means {
  readonly tools: Tools
  readonly bench: BenchContext
}

async function makeMonths(folder: string, size: number, { tools, bench }: Means): Promise<void> {
  const files = join(folder, 'files')
  await fillFolder(files, size)
  const image = join(folder, 'system.img')
  await runProgram(
    tools.mkfs,
    ['-q', '-F', '-b', '4096', '-O', '^has_journal', '-d', files, image, `${size / MIB}M`],
    bench,
  )
  for (const month of MONTHS) {
    if (month === 'next') await changeFiles(image, files, { tools, bench })
    await pack(image, join(folder, `${month}.zip`), { size, xz: tools.xz, month })
  }
}

/** Files as systems have them: machine code of this one, a few to some hundred KiB each, to three quarters of the room. */
async function fillFolder(folder: string, size: number): Promise<void> {
  const program = await readFile(process.execPath)
  const random = seededRandom(7)
  await mkdir(folder, { recursive: true })
  for (let total = 0, i = 0; total < size * 0.75; i++) {
    const length = 4096 + Math.floor(random() ** 3 * 900_000)
    const at = Math.floor(random() * (program.length - length))
    await writeFile(join(folder, `file-${i}`), program.subarray(at, at + length))
    total += length
  }
}

async function changeFiles(image: string, folder: string, { tools, bench }: Means): Promise<void> {
  const random = seededRandom(8)
  const names = await readdir(folder)
  const commands: string[] = []
  for (const name of names.sort().filter(() => random() < CHANGED)) {
    const path = join(folder, name)
    const content = await readFile(path)
    content.set(randomBytes(name, 1000), Math.floor(content.length / 2))
    await writeFile(path, Buffer.concat([content, randomBytes(`${name} grew`, Math.floor(random() * 5000))]))
    commands.push(`rm ${name}`, `write ${path} ${name}`)
  }
  const script = `${image}.commands`
  await writeFile(script, `${commands.join('\n')}\n`)
  await runProgram(tools.debugfs, ['-w', '-f', script, image], bench)
}

interface Packing {
  readonly size: number
  readonly xz: string
  readonly month: (typeof MONTHS)[number]
}

/** As a full OTA: operations of 2 MiB, compressed one by one. */
async function pack(image: string, out: string, { size, xz, month }: Packing): Promise<void> {
  const profile = terminalProfile({ sizes: { system: size } })
  const words = { build: `bench-${month}`, securityPatch: month === 'this' ? '2026-01-01' : '2026-02-01' }
  const build = new Map(await makeBuild(profile, { ...words, rollbackIndex: 1, seed: 1 }))
  const source = await openFile(image)
  try {
    build.set('system', { size, image: byteSourceImage(source) })
    const operations = { compressors: { xz: programCompressor(xz, ['-c', '-1', '-T1', '--check=crc32']) } }
    await writeRom(profile, build, { ...words, out, kind: 'ota-zip', operations })
  } finally {
    await source.close()
  }
}

async function fetched(repository: TestRepository, size: number): Promise<Outcome> {
  const server = await FileServer.start(repository.public)
  const client = await BenchClient.create(join(repository.public, 'metadata', '1.root.json'))
  try {
    const [first, second] = (await client.refresh(server.url)).roms
    if (first === undefined || second === undefined) throw new Error('the server lists too little')
    await client.fetch(first, [server.url])
    const changed = await changedBytes(repository, first.index, second.index)
    server.bytes = 0
    await client.refresh(server.url)
    await client.fetch(second, [server.url])
    const whole = (await stat(join(repository.public, targetFile(second.target)))).size
    const megabytes = (n: number) => (n / 1e6).toFixed(1)
    return {
      kind: 'measured',
      notes: [
        `an ext4 image of ${size / MIB} MiB, ${CHANGED * 100} % of its files changed with debugfs, packed in XZ operations of 2 MiB;`,
        `the package has ${megabytes(whole)} MB, ${megabytes(changed)} MB of them in chunks that the older one has not;`,
        `${megabytes(server.bytes)} MB were sent, metadata and index included`,
      ],
      series: [
        {
          what: 'sent, of the changed chunks',
          unit: '×',
          samples: [server.bytes / changed],
          target: { atMost: 1.2 },
        },
        { what: 'sent, of the whole package', unit: '%', samples: [(server.bytes / whole) * 100] },
      ],
    }
  } finally {
    await client.close()
    await server.close()
  }
}

async function changedBytes(repository: TestRepository, old: TargetRef, fresh: TargetRef): Promise<number> {
  const [before, after] = await Promise.all(
    [old, fresh].map(async (index) => {
      const parsed = parseChunkIndex(await readFile(join(repository.public, targetFile(index))))
      return Array.from({ length: parsed.count }, (_, i) => parsed.chunk(i))
    }),
  )
  const known = new Set(before?.map(({ sha256 }) => sha256))
  const changed = new Map(
    after?.filter(({ sha256 }) => !known.has(sha256)).map((chunk) => [chunk.sha256, chunk.length]),
  )
  return [...changed.values()].reduce((sum, length) => sum + length, 0)
}
