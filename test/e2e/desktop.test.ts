// The desktop program as it is, engine included, in Electron's own runtime: from the first start to a simulated terminal that was flashed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { flashSimulated } from './flash-simulated.ts'
import { launchDesktop, requireElectron } from './window-hosts.ts'

it('the desktop program flashes a simulated terminal', async (test) => {
  const executablePath = requireElectron(test)
  await buildIfNeeded()
  const data = mkdtempSync(join(tmpdir(), 'slotbench-desktop-'))
  const { app, page, profile } = await launchDesktop(executablePath, { SLOTBENCH_DATA: data })
  try {
    await flashSimulated(page)
  } finally {
    await app.close()
    rmSync(data, { recursive: true, force: true })
    rmSync(profile, { recursive: true, force: true })
  }
}, 180_000)
