// The lint that holds the arrows is itself held: each kind of violating import is found, each rightful one is not.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, violations } from '../scripts/layers.ts'

const FORBIDDEN: readonly (readonly [file: string, source: string])[] = [
  ['src/shared/units.ts', "import { x } from '../main/core/source.ts'"],
  ['src/main/core/rom/open.ts', "import type { Transport } from '../../protocols/transport.ts'"],
  ['src/main/core/rom/open.ts', "import { readFile } from 'node:fs/promises'"],
  ['src/main/core/rom/open.ts', "import fs from 'fs'"],
  ['src/main/core/plan/plan.ts', "export * from '../../io/files/file-source.ts'"],
  ['src/main/core/plan/plan.ts', "const u = await import('node:worker_threads')"],
  ['src/main/core/plan/plan.ts', "type D = import('../../terminals/types.ts').Discovery"],
  ['src/main/core/plan/plan.ts', "new Worker(new URL('../../io/workers/decode.ts', import.meta.url))"],
  ['src/main/protocols/fastboot/client.ts', "import { connect } from 'node:net'"],
  ['src/main/protocols/fastboot/client.ts', "import type { Sighting } from '../../terminals/types.ts'"],
  ['src/main/terminals/discovery.ts', "import { run } from '../flash/engine.ts'"],
  ['src/main/terminals/discovery.ts', "import { UsbTransport } from '../io/usb/transport.ts'"],
  ['src/main/terminals/discovery.ts', "import { usb } from 'usb'"],
  [
    'src/main/terminals/discovery.ts',
    "const { usb } = createRequire(import.meta.url)('usb'); require('usb')",
  ],
  ['src/main/flash/engine.ts', "import { main } from '../hosts/cli/index.ts'"],
  ['src/main/flash/journal.ts', "import { DatabaseSync } from 'node:sqlite'"],
  ['src/main/repository/download.ts', "import { open } from 'node:fs/promises'"],
  ['src/main/repository/download.ts', "import { httpClient } from '../io/http/undici-client.ts'"],
  ['src/main/repository/download.ts', "import type { TerminalSession } from '../terminals/types.ts'"],
  ['src/main/flash/engine.ts', "import { fetchRom } from '../repository/fetch-rom.ts'"],
  ['src/main/io/usb/adapter.ts', "import { main } from '../../hosts/cli/index.ts'"],
  ['src/main/io/tcp/link.ts', "import { Phone } from '../../../simulator/phone.ts'"],
  ['src/simulator/device.ts', "import { parse } from '../main/protocols/fastboot/reply.ts'"],
  ['src/simulator/device.ts', "import { open } from '../main/io/usb/adapter.ts'"],
  ['src/renderer/app.tsx', "import type { Rom } from '../main/core/rom/types.ts'"],
  ['src/renderer/app.tsx', "import { ipcRenderer } from 'electron'"],
  ['src/main/hosts/cli/index.ts', "import { app } from 'electron/main'"],
  ['src/main/core/rom/open.test.ts', "import { app } from 'electron'"],
]

const ALLOWED: readonly (readonly [file: string, source: string])[] = [
  ['src/main/core/trust/digest.ts', "import { createHash } from 'node:crypto'"],
  ['src/main/core/trust/digest.ts', "import { bytes } from '../../../shared/units.ts'"],
  ['src/main/protocols/fastboot/client.ts', "import type { ByteSource } from '../../core/source.ts'"],
  ['src/main/flash/engine.ts', "import type { TerminalSession } from '../terminals/types.ts'"],
  ['src/main/repository/download.ts', "import type { ByteSource } from '../core/source.ts'"],
  ['src/main/io/repository/rom-cache.ts', "import type { RomStore } from '../../repository/rom-store.ts'"],
  ['src/main/io/usb/adapter.ts', "import { usb } from 'usb'"],
  ['src/main/io/usb/adapter.ts', "import type { Discovery } from '../../terminals/types.ts'"],
  ['src/main/hosts/cli/index.ts', "import { Phone } from '../../../simulator/phone.ts'"],
  ['src/main/hosts/electron/window.ts', "import { BrowserWindow } from 'electron'"],
  ['src/simulator/usb.ts', "import type { UsbDeviceLike } from '../main/io/usb/backend.ts'"],
  ['src/renderer/app.tsx', "import type { Bay } from '../shared/contract.ts'; const a = <p>import</p>"],
  ['src/main/terminals/discovery.test.ts', "import { Phone } from '../../simulator/phone.ts'"],
  [
    'src/main/core/text.ts',
    "// import { readFile } from 'node:fs'\nconst words = \"import x from 'electron'\"",
  ],
]

describe('the arrows', () => {
  it.each(FORBIDDEN)('%s may not: %s', (file, source) => {
    expect(violations(file, source)).toHaveLength(1)
  })

  it.each(ALLOWED)('%s may: %s', (file, source) => {
    expect(violations(file, source)).toEqual([])
  })

  it('sees every way to name a module', () => {
    const source = `
      import a from 'a'; import type { B } from 'b'; import 'c'; export { d } from 'd'; export * from 'e'
      const f = () => import('f'); type G = import('g').G; new URL('h', import.meta.url); new URL('https://x')`
    expect([...importsOf('x.ts', source)].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  })

  it('hold in this repository', () => {
    const root = join(import.meta.dirname, '..')
    const output = execFileSync(process.execPath, ['scripts/check-layers.ts'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(output).toContain('All arrows hold.')
  })
})
