// The whole job on a Virtual A/B phone over the network: fastboot on one port, ADB on another, nobody's hands.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CliPlace, lines, plain } from './slotbench.ts'

let place: CliPlace
let rom: string
beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom('nx769j')
})
afterAll(() => place.close())

async function phone(): Promise<string> {
  const options = ['--profile', 'nx769j', '--adb-tcp', '0', '--after-boot', 'system', '--boot-ms', '100']
  const { endpoint, process } = await place.simulate(...options)
  const [, port] = await process.saw(/"adb":"127\.0\.0\.1:(\d+)"/)
  return `${endpoint},${port}`
}

describe.concurrent('over the network', () => {
  it.each(['seamless', 'sideload'])(
    'policy %s goes from the running system to the new one',
    async (policy) => {
      const finished = await place.run(
        place.newData(),
        ...['flash', rom, '--terminal', await phone(), '--policy', policy, '--yes', '--json'],
      )
      expect(finished.code, plain(finished)).toBe(0)
      expect(lines(finished).at(-1)).toMatchObject({ state: 'done' })
      expect(finished.stdout).toMatch(/"kind":"proof","by":"boot-completed","slot":"b"/)
    },
  )
})
