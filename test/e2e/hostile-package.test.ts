// What a package, or a repository, says is shown as text, cut to size, in its own direction, whatever it holds.
import { expect, it } from 'vitest'
import { addRom } from '../../src/main/repository/publishing/add-rom.ts'
import { memorySource, NEVER, noise, romInfo, TestRepository } from '../firmware-repository.ts'
import { deployRules, rootOf } from '../rom-repository.ts'
import { inBrowser } from './bench-in-browser.ts'

it('markup, direction marks and megabytes in the metadata of a package do nothing to the page', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const turned = 'NX679J\u202egnp.exe'
    const rom = await bench.makeRom('nx679j', {
      name: '<b>evil & <i>package.zip',
      models: [evil, turned, `model-${'M'.repeat(100_000)}`],
      build: `${evil}${'B'.repeat(20_000)}`,
    })
    const id = await bench.engine.library.add(rom)
    await browser.enter()
    await browser.go('packages')
    await page.locator('.package').waitFor()
    expect(await page.title()).toBe('Slotbench')
    expect(await page.locator('.package img, .package script, .package b, .package i').count()).toBe(0)
    const words = (await page.locator('.package').textContent()) ?? ''
    expect(words).not.toContain('\u202e')
    expect(words.length).toBeLessThan(5_000)
    const [view] = bench.engine.model.state.roms
    expect(view?.id).toBe(id)
    const overflow = await page.evaluate(
      'document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth',
    )
    expect(overflow).toBe(false)
    await browser.shoot('hostile-package')
    await browser.isAccessible('a hostile package')
    await bench.plug({ serial: '<script>alert(1)</script>', port: 2 })
    await browser.go('bays')
    await browser.tile(2).waitFor()
    expect(await page.locator('.tile script').count()).toBe(0)
  }))

it('neither do those in the metadata and the rules of a repository', (test) =>
  inBrowser(test, {}, async (browser) => {
    const { page, bench } = browser
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const turned = 'NX679J\u202egnp.exe'
    const repository = await TestRepository.create()
    try {
      await addRom(repository.store, memorySource('evil.zip', noise('evil', 100_000)), {
        ...{ publisher: 'acme', name: 'evil.zip', signal: NEVER },
        notes: `${evil}\u202e${'N'.repeat(1_800)}`,
        info: {
          ...romInfo(`${evil}\u202e${'B'.repeat(1_000_000)}`),
          models: [evil, turned, `model-${'M'.repeat(1_000_000)}`, ...Array(5_000).fill('NX679J')],
        },
      })
      const word = `${evil}\u2066${'W'.repeat(150)}`
      await deployRules(repository, {
        version: 1,
        roms: [{ id: 'evil', target: 'roms/acme/evil.zip', build: word }],
        deployments: [
          {
            ...{ id: 'evil', rom: 'evil', channel: 'stable', models: ['NX679J', word] },
            when: { region: { variables: [word], anyOf: [word] }, hwRevisions: [word] },
          },
        ],
        withdrawn: [{ rom: 'evil', reason: word }],
      })
      await repository.publish()
      await bench.plug({ serial: 'NX0001', port: 2 })
      await browser.enter()
      await browser.tile(2).getByText('Ready').waitFor()
      await bench.engine.firmware.trust.addRepository({
        ...{ name: 'evil', url: repository.public, mirrors: [], root: rootOf(repository) },
      })
      for (const place of ['packages/repository', 'bay/usb:1-2', 'settings']) {
        await browser.go(place)
        await page.locator('[data-offer], .best-rom, [data-repository]').first().waitFor()
        expect(await page.title()).toBe('Slotbench')
        expect(await page.locator('main img, main script').count()).toBe(0)
        const words = (await page.locator('main').textContent()) ?? ''
        expect(words, place).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
        expect(words.length, place).toBeLessThan(20_000)
        const overflow = await page.evaluate(
          'document.querySelector("main").scrollWidth > document.querySelector("main").clientWidth',
        )
        expect(overflow, place).toBe(false)
      }
      await browser.go('packages/repository')
      await page.locator('[data-offer]').waitFor()
      await browser.shoot('hostile-repository')
      await browser.isAccessible('a hostile repository')
    } finally {
      await repository.close()
    }
  }))
