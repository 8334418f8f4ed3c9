// A terminal that boots nothing, brought back through EDL from the window.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { inBrowser } from './bench-in-browser.ts'

it('a dead terminal is rescued in both slots, with the programmer that the technician opens', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const rom = await bench.rom()
    const loader = join(dirname(rom), 'prog_firehose.elf')
    writeFileSync(loader, loaderFor(profile('nx679j')))
    const id = await bench.engine.library.add(rom)
    await bench.engine.library.verify(id)
    const terminal = await bench.plug({ serial: 'NX0001', port: 2, startIn: 'edl' })
    const own = await terminal.partitionDigest('modemst1')
    await browser.enter()
    await browser.tile(2).getByText('EDL').waitFor()
    await browser.go('bay/usb:1-2')
    await page.getByRole('button', { name: 'Open programmer' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Path on the computer').fill(loader)
    await dialog.getByRole('button', { name: 'Go', exact: true }).click()
    await page.getByText('The programmer is kept').waitFor()
    await page.getByLabel('Package', { exact: true }).selectOption(id)
    await page.getByRole('radio', { name: 'Rescue', checked: true }).waitFor()
    await page.getByText('More', { exact: true }).click()
    await page.getByLabel('Model that you vouch for').fill('NX679J')
    await browser.isAccessible('EDL')
    await browser.shoot('edl')
    await page.getByRole('button', { name: 'Check and plan' }).click()
    await page.getByText('The package fits this terminal').waitFor()
    await page.getByRole('button', { name: 'Start flashing' }).click()
    await page.getByRole('heading', { name: 'Done' }).waitFor()
    await browser.shoot('edl-done')
    expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: 'NX679J-V2.11' })
    expect(await terminal.partitionDigest('modemst1')).toBe(own)

    await page.getByRole('tab', { name: 'Backups' }).click()
    const kept = page.getByRole('list', { name: 'Backups of this terminal' }).getByRole('listitem').first()
    await kept.getByText('Digests checked: whole').waitFor()
    // The system gives no partitions out.
    expect(await kept.getByRole('button', { name: 'Restore …' }).isDisabled()).toBe(true)
    await page.getByText('does not give its partitions out').waitFor()
    await terminal.writePartitionRaw('modemst1', new Uint8Array(8192).fill(0xff))
    terminal.cutPower()
    await terminal.powerOn({ keys: 'edl' })
    await kept.locator('button:enabled', { hasText: 'Restore …' }).click()
    const restoring = page.getByRole('dialog')
    await restoring.getByText('The backup is this terminal’s own').waitFor()
    await browser.isAccessible('restoring')
    await browser.shoot('restore')
    const restore = restoring.getByRole('button', { name: 'Restore', exact: true })
    expect(await restore.isDisabled()).toBe(true)
    await restoring.getByLabel('Type “yes, for good” to confirm').fill('yes, for good')
    expect(await terminal.partitionDigest('modemst1')).not.toBe(own)
    await restore.click()
    // What was there before is kept first.
    await page.locator('[data-backup]').nth(1).waitFor()
    await page.locator('.job', { hasText: 'Done' }).getByText('backup ').waitFor()
    expect(await terminal.partitionDigest('modemst1')).toBe(own)
    await page.getByText('Digests checked: whole').nth(1).waitFor()
    await browser.isAccessible('backups')
    await browser.shoot('backups')

    await page.getByRole('tab', { name: 'Facts' }).click()
    await page.getByText(/^\d+ partitions$/).click()
    await page.getByRole('button', { name: 'Read dtbo_a into a file …' }).click()
    await page.getByLabel('Path on the computer').fill(dirname(rom))
    await page.getByRole('button', { name: 'Go', exact: true }).click()
    await page.getByRole('button', { name: 'Use this folder' }).click()
    await page.getByText('It was read into').waitFor()
    await browser.isAccessible('partitions')
    await browser.shoot('partitions')
    writeFileSync(join(dirname(rom), 'other.img'), new Uint8Array(4096))
    await page.getByRole('button', { name: 'Write a file to modemst1 …' }).click()
    await page.getByLabel('Path on the computer').fill(join(dirname(rom), 'other.img'))
    await page.getByRole('button', { name: 'Go', exact: true }).click()
    // Nothing but its own backup goes there.
    await page.getByRole('dialog').getByText('A protected partition').waitFor()
    await browser.shoot('partition-refused')
  }))
