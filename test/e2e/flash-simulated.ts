// What somebody does who has no terminal at hand: from the first start to a simulated one that was flashed, by the page alone.
import type { Page } from 'playwright'

export async function flashSimulated(page: Page): Promise<void> {
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
}
