// From a package on the disk to a certificate, through the interface alone.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { findTool } from '../tools.ts'
import { type BrowserBench, inBrowser, SHOTS } from './bench-in-browser.ts'

/** The desktop program has the system's dialog, the station one in the page. */
async function openPackage(browser: BrowserBench, rom: string): Promise<void> {
  const { page, host } = browser
  await host.answerDialogs({ open: rom })
  await page.getByRole('button', { name: 'Open package' }).click()
  if (host.kind === 'electron') return
  const dialog = page.getByRole('dialog', { name: 'Choose a package' })
  await dialog.getByLabel('Path on the computer').fill(dirname(rom))
  await browser.isAccessible('the folder dialog')
  await dialog.getByRole('button', { name: 'Go', exact: true }).click()
  await dialog.getByRole('button', { name: /nx679j-full\.zip/ }).click()
}

/** The certificate in a file: as data, and as a PDF with all steps and none of the frame around it. */
async function printed(browser: BrowserBench): Promise<void> {
  const { page, host, bench } = browser
  const file = join(bench.folder, 'certificate.pdf')
  if (host.kind === 'electron') {
    await host.answerDialogs({ save: file })
    await page.getByRole('button', { name: 'Save as PDF' }).click()
    await page.getByText(`Saved: ${file}`).waitFor()
  } else {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'JSON' }).click()
    expect((await download).suggestedFilename()).toMatch(/\.json$/)
    // A dark screen, and white paper.
    await browser.theme('dark')
    await page.pdf({ path: file, preferCSSPageSize: true, printBackground: true })
    await browser.theme('light')
  }
  const pdf = readFileSync(file, 'latin1')
  expect(pdf).toMatch(/^%PDF-/)
  // A4, and as many pages as there are.
  const boxes = [...pdf.matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\]/g)]
  expect(boxes.length).toBeGreaterThanOrEqual(1)
  for (const [, width, height] of boxes) {
    expect(Number(width)).toBeCloseTo(595, -1)
    expect(Number(height)).toBeCloseTo(842, -1)
  }
  mkdirSync(SHOTS, { recursive: true })
  copyFileSync(file, join(SHOTS, 'certificate.pdf'))
  const pdftotext = findTool('pdftotext')
  if (pdftotext === undefined) return
  const words = execFileSync(pdftotext, ['-layout', file, '-'], { encoding: 'utf8' })
  for (const wanted of ['NX0001', 'NX679J-V2.11', 'Certificate of job']) expect(words).toContain(wanted)
  // The last step is on paper, too: nothing ends where the screen does.
  expect(words).toMatch(/See slot b boot\s+proven/)
  for (const frame of ['Bays', 'Session', 'JSON']) expect(words).not.toContain(frame)
}

it('a package is opened and verified, a terminal planned and flashed, and the certificate says so', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const rom = await bench.rom()
    await browser.enter()
    await browser.go('packages')
    await openPackage(browser, rom)
    await page
      .getByText(/Every digest matches|Whole, publisher not known/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Details', exact: true }).click()
    await page.getByRole('cell', { name: 'vendor_boot' }).waitFor()
    await browser.isAccessible('packages')
    await browser.shoot('packages')

    await browser.go('bays')
    await bench.plug({ serial: 'NX0001', port: 2, startIn: 'system' })
    await browser.tile(2).getByText('NX679J', { exact: true }).waitFor()
    await browser.tile(2).getByText('Ready').waitFor()
    await browser.tile(2).click()
    await page.getByRole('heading', { name: 'NX679J' }).waitFor()
    await page.getByLabel('Package', { exact: true }).selectOption({ index: 1 })
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByText('The package fits this terminal').waitFor()
    await browser.isAccessible('the plan')
    await browser.shoot('plan')
    await page.getByRole('button', { name: 'Start flashing' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    await page.getByRole('tab', { name: 'Log' }).click()
    await page.getByLabel('Search the log').fill('vendor_boot')
    await page.locator('.log-line').first().waitFor()
    for (const words of await page.locator('.log-line bdi').allTextContents())
      expect(words).toContain('vendor_boot')
    await browser.isAccessible('the log')
    await browser.shoot('job-done')

    await page.getByRole('button', { name: 'Certificate' }).click()
    await page.getByRole('heading', { name: /Certificate of job/ }).waitFor()
    await page.getByText('NX0001').first().waitFor()
    await browser.isAccessible('the certificate')
    await browser.shoot('certificate')
    await printed(browser)
    await browser.go('history')
    await page.getByLabel('Serial number, model, build or job').fill('nx0001')
    await page.getByRole('cell', { name: 'NX0001' }).waitFor()
    await page.getByText('1 passed').waitFor()
    await browser.isAccessible('history')
    await browser.shoot('history')
    expect((await bench.terminals.get('NX0001')?.wouldBoot())?.build).toBe('NX679J-V2.11')
  }))
