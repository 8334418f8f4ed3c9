// The desktop program as it is, engine included, in Electron's own runtime: from the first start to a simulated terminal that was flashed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { buildIfNeeded } from '../../scripts/build-if-needed.ts'
import { launchDesktop, requireElectron } from './window-hosts.ts'

it('the desktop program flashes a simulated terminal', async (test) => {
  const executablePath = requireElectron(test)
  await buildIfNeeded()
  const data = mkdtempSync(join(tmpdir(), 'slotbench-desktop-'))
  const { app, page, profile } = await launchDesktop(executablePath, { SLOTBENCH_DATA: data })
  try {
    await page.getByRole('heading', { name: 'Welcome to Slotbench' }).waitFor()
    for (const name of ['Next', 'Next', 'Begin']) await page.getByRole('button', { name }).click()
    await page.evaluate("location.hash = '#/settings'")
    await page.getByRole('button', { name: 'RedMagic 7' }).click()
    await page.evaluate("location.hash = '#/bays'")
    const tile = page.locator('.tile').filter({ hasText: 'NX679J' })
    await tile.getByText('Ready').waitFor()
    await tile.click()
    await page.getByLabel('Package', { exact: true }).selectOption({ index: 1 })
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByRole('button', { name: 'Start flashing' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor({ timeout: 120_000 })
    expect(await page.getByText('Does not fit').count()).toBe(0)
  } finally {
    await app.close()
    rmSync(data, { recursive: true, force: true })
    rmSync(profile, { recursive: true, force: true })
  }
}, 180_000)
