// `npm run package`: the desktop program for this system, unpacked in a folder; with `--installers` also what people install.
import { parseArgs } from 'node:util'
import { build, Platform } from 'electron-builder'
import { buildIfNeeded } from './build-if-needed.ts'
import { electronRuntime, HOW_TO_FETCH } from './electron-runtime.ts'
import { packageConfig, ROOT } from './packaging/config.ts'

const { values } = parseArgs({ options: { installers: { type: 'boolean', default: false } } })

async function pack(): Promise<void> {
  await buildIfNeeded((words) => console.log(words))
  const config = await packageConfig(process.env)
  const runtime = electronRuntime()
  const made = await build({
    projectDir: ROOT,
    publish: 'never',
    targets: Platform.current().createTarget(values.installers ? null : 'dir'),
    // Without it electron-builder fetches one.
    config: runtime === undefined ? config : { ...config, electronDist: runtime.folder },
  })
  const names = made.length === 0 ? ['dist/, unpacked'] : made
  console.log(`Packed:\n${names.map((name) => `  ${name}`).join('\n')}`)
}

try {
  await pack()
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown)
  if (electronRuntime() === undefined)
    console.error(
      `Nothing was packed. Electron’s runtime is not on this computer; ${HOW_TO_FETCH} where its release page can be reached.`,
    )
  process.exitCode = 8
}
