// A ROM from repository to certificate, through the interface alone.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { serveRepository } from '../../src/main/hosts/repo/server.ts'
import { FolderStore } from '../../src/main/io/repository/folder-store.ts'
import { NEVER } from '../firmware-repository.ts'
import { romRepository, rootOf } from '../rom-repository.ts'
import { inBrowser } from './bench-in-browser.ts'

it('a ROM is found for the attached terminal, fetched, verified, flashed and certified', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const [rom, other] = [await bench.rom('nx679j'), await bench.rom('unisoc-ab')]
    const repository = await romRepository([
      { path: rom, name: 'nx679j-v2.zip', build: 'NX679J-V2.11', models: ['NX679J'] },
      { path: other, name: 'other.zip', build: 'OTHER-V2.11', models: ['OTHER'], withdrawn: 'It overheats' },
    ])
    const place = { host: '127.0.0.1', port: 0 }
    const store = new FolderStore(repository.folder)
    const server = await serveRepository(store, { ...place, uploads: false, maxUpload: 0, signal: NEVER })
    try {
      await bench.plug({ serial: 'NX0001', port: 2, startIn: 'system' })
      await browser.enter()
      await browser.tile(2).getByText('Ready').waitFor()

      // With nothing trusted yet the screen says what to do.
      await browser.go('packages/repository')
      await page.getByRole('heading', { name: 'No repository yet' }).waitFor()
      await browser.isAccessible('a library without repositories')
      await page.getByRole('button', { name: 'Open the settings' }).click()
      await page.getByRole('button', { name: 'Add a repository' }).click()
      const form = page.getByRole('region', { name: 'Add a repository' })
      await form.getByLabel('Name').fill('acme-fw')
      await form.getByLabel('Address').fill(server.url)
      await form.getByRole('button', { name: 'Choose file' }).click()
      const dialog = page.getByRole('dialog', { name: 'Choose the root.json' })
      await dialog.getByLabel('Path on the computer').fill(join(repository.public, 'metadata'))
      await dialog.getByRole('button', { name: 'Go', exact: true }).click()
      await dialog.getByRole('button', { name: /1\.root\.json/ }).click()
      expect(await form.getByLabel('Its root.json').inputValue()).toBe(rootOf(repository))
      await form.getByRole('button', { name: 'Trust it' }).click()
      await page.getByText('2 ROMs').waitFor()
      await browser.isAccessible('settings with a repository')
      await browser.shoot('settings-repository')

      await browser.go('packages/repository')
      await page.getByText('2 ROMs found').waitFor()
      await page.getByText('The owner of the repository has withdrawn it').waitFor()
      await page.getByRole('radio', { name: 'For what is attached' }).click()
      await page.getByText('1 ROM found').waitFor()
      const card = page.locator('.package[data-offer="nx679j-v2.zip"]')
      await card.getByText('may have it').waitFor()
      await browser.shoot('repository')
      await card.getByRole('button', { name: 'Download' }).click()
      await card.getByText('Room needed').waitFor()
      await browser.isAccessible('what a download needs')
      await browser.shoot('download-need')
      await card.getByRole('button', { name: 'Start the download' }).click()
      await card.getByText('In the cache').waitFor()
      await card.getByText('Whole, publisher not known').first().waitFor()
      await browser.isAccessible('the repository')
      await browser.shoot('repository-fetched')
      await browser.go('packages/cache')
      await page.getByText(/other ROMs have as well/).waitFor()
      await browser.isAccessible('the cache')
      await browser.shoot('cache')

      await browser.go('bay/usb:1-2')
      const best = page.getByRole('region', { name: 'Best ROM for this terminal' })
      await best.getByText('NX679J-V2.11').waitFor()
      await browser.isAccessible('the best ROM')
      await browser.shoot('best-rom')
      await best.getByRole('button', { name: 'Choose it' }).click()
      await page.getByRole('button', { name: 'Check and plan' }).click()
      await page.getByText('The package fits this terminal').waitFor()
      await page.getByRole('button', { name: 'Start flashing' }).click()
      await page.getByRole('heading', { name: 'Done' }).waitFor()
      await page.getByRole('button', { name: 'Certificate' }).click()
      await page.getByRole('heading', { name: /Certificate of job/ }).waitFor()
      await page.getByText('NX0001').first().waitFor()
      expect((await bench.terminals.get('NX0001')?.wouldBoot())?.build).toBe('NX679J-V2.11')
    } finally {
      await server.stop(0)
      await repository.close()
    }
  }))
