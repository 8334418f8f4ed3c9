// What `npm run package` puts together, around a made-up runtime: it shows that everything the program needs is in the package and
// nothing else, and that the engine in it runs on plain Node. That Electron starts it, it does not show.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extractAll, listPackage } from '@electron/asar'
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses'
import { Arch, build, Platform } from 'electron-builder'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { packageConfig, ROOT } from '../../scripts/packaging/config.ts'
import { EngineBench } from '../engine-bench.ts'
import { makeRuntime } from './made-up-runtime.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-packaging-'))
const unpacked = join(folder, 'dist/linux-unpacked')
const archive = join(unpacked, 'resources/app.asar')

const debian: string[] = []
const here = `${process.platform} ${process.arch}`
const forOthers =
  here === 'linux x64' ? undefined : `the made-up runtime is one for linux x64, this is ${here}`

beforeAll(async () => {
  if (forOthers !== undefined) return
  await buildIfNeeded()
  const runtime = join(folder, 'runtime')
  makeRuntime(runtime)
  const config = await packageConfig({ SLOTBENCH_UPDATE_URL: 'https://updates.example/slotbench' })
  await build({
    projectDir: ROOT,
    publish: 'never',
    targets: Platform.LINUX.createTarget(['dir', 'deb'], Arch.x64),
    // Called with what the maker of the .deb would be told, before it is fetched and run; `true` lets that be.
    effectiveOptionComputed: async ([told]: readonly [readonly string[]]) => {
      debian.push(...told)
      return true
    },
    config: {
      ...config,
      electronDist: runtime,
      electronVersion: '45.0.0',
      directories: { ...config.directories, output: join(folder, 'dist') },
    },
  })
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Into a folder that sees no other `node_modules`. */
function unpack(): string {
  const app = join(unpacked, 'resources/app')
  rmSync(app, { recursive: true, force: true })
  extractAll(archive, app)
  return app
}

beforeEach((test) => {
  if (forOthers !== undefined) test.skip(forOthers)
})

describe('a package around a made-up runtime', () => {
  it('holds the built program, what it needs, and nothing else', () => {
    const files = listPackage(archive, { isPack: false }).map((path) => path.replaceAll('\\', '/'))
    const programs = ['main/index.js', 'main/bench-process.js', 'main/decode-worker.js', 'preload/index.cjs']
    for (const program of programs) expect(files).toContain(`/out/${program}`)
    expect(files).toContain('/out/renderer/index.html')
    const tops = new Set(files.map((path) => path.split('/')[1]))
    expect([...tops].sort()).toEqual(['node_modules', 'out', 'package.json'])
    const packages = new Set(
      files.flatMap((path) => /^\/node_modules\/((?:@[^/]+\/)?[^/@][^/]*)/.exec(path)?.[1] ?? []),
    )
    for (const needed of ['usb', '@node-usb/usb-linux-x64-gnu', 'zod', 'xz-decompress', '@foxglove/wasm-bz2'])
      expect(packages).toContain(needed)
    for (const unneeded of ['react', 'fastify', 'electron', 'vite', 'playwright', 'electron-builder', 'node'])
      expect(packages).not.toContain(unneeded)
    expect(files.filter((path) => /\.test\.|\.map$|\/test\//.test(path))).toEqual([])
  })

  it('has the native part outside of the archive, where the system can load it', () => {
    const native = 'resources/app.asar.unpacked/node_modules/@node-usb/usb-linux-x64-gnu'
    expect(existsSync(join(unpacked, native, 'usb.linux-x64-gnu.node'))).toBe(true)
  })

  it('has the udev rule in a file of its own, and the address that updates come from', () => {
    const rule = readFileSync(join(unpacked, 'resources/udev/51-slotbench.rules'), 'utf8')
    expect(rule).toBe(readFileSync(join(ROOT, 'resources/udev/51-slotbench.rules'), 'utf8'))
    const updates = readFileSync(join(unpacked, 'resources/app-update.yml'), 'utf8')
    expect(updates).toContain('https://updates.example/slotbench')
  })

  it('would bring the udev rule to its place in a .deb', () => {
    const rule = join(ROOT, 'resources/udev/51-slotbench.rules')
    expect(debian).toContain(`${rule}=/usr/lib/udev/rules.d/51-slotbench.rules`)
    expect(debian).toContain('Slotbench <slotbench@slotbench.invalid>')
    expect(debian.filter((told) => told.endsWith('/apps/slotbench.png')).length).toBeGreaterThan(0)
  })

  it('has the fuses set', async () => {
    const wire = await getCurrentFuseWire(join(unpacked, 'slotbench'))
    const { DISABLE, ENABLE } = FuseState
    expect(wire).toMatchObject({
      [FuseV1Options.RunAsNode]: DISABLE,
      [FuseV1Options.EnableCookieEncryption]: ENABLE,
      [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: DISABLE,
      [FuseV1Options.EnableNodeCliInspectArguments]: DISABLE,
      [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: ENABLE,
      [FuseV1Options.OnlyLoadAppFromAsar]: ENABLE,
      [FuseV1Options.GrantFileProtocolExtraPrivileges]: DISABLE,
    })
  })

  it('holds a main process that finds all it imports, and goes when another one runs', () => {
    const app = unpack()
    const main = join(app, 'out/main/index.js')
    const imports =
      /import \{([^}]*)\} from "electron"/.exec(readFileSync(main, 'utf8'))?.[1]?.split(',') ?? []
    expect(imports.map((name) => name.trim())).toContain('app')
    // Only names: this much of Electron is asked before anything else is.
    const others = imports.map((name) => name.trim()).filter((name) => name !== 'app')
    const double = join(app, 'node_modules/electron')
    mkdirSync(double, { recursive: true })
    writeFileSync(join(double, 'package.json'), '{ "type": "module", "main": "index.js" }')
    writeFileSync(
      join(double, 'index.js'),
      `export const app = { requestSingleInstanceLock: () => false, quit: () => console.log('gone') }
       ${others.map((name) => `export const ${name} = {}`).join('\n')}`,
    )
    const said = execFileSync(process.execPath, [main], { encoding: 'utf8', timeout: 20_000 })
    expect(said.trim()).toBe('gone')
  })

  it('holds an engine that opens and verifies packages, without anything from beside it', async () => {
    const app = unpack()
    const bench = new EngineBench()
    try {
      const rom = await bench.rom()
      const runner = join(import.meta.dirname, 'run-packed-engine.ts')
      const said = execFileSync(process.execPath, [runner, app, join(folder, 'data'), rom], {
        encoding: 'utf8',
        timeout: 50_000,
      })
      const result: unknown = JSON.parse(said.trim().split('\n').at(-1) ?? '')
      expect(result).toMatchObject({
        host: { kind: 'electron' },
        rom: { state: 'verified' },
        usb: 'function',
      })
    } finally {
      await bench.close()
    }
  })
})
