// Google's fastboot flashes the terminal over the kernel's USB: raw, sparse, and larger than one download.

import assert from 'node:assert/strict'
import { createHash, randomFillSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { check } from './checks.ts'
import type { GadgetClient } from './gadget-client.ts'
import { run } from './programs.ts'
import { SERIAL } from './setup.ts'

const MIB = 1024 * 1024
const BLOCK = 4096

/** Random data with runs of zeros and of one repeated word in it, so that sparse encoders have something to find. */
function image(size: number): Uint8Array {
  const bytes = randomFillSync(new Uint8Array(size))
  const quarter = Math.floor(size / 4 / BLOCK) * BLOCK
  bytes.fill(0, quarter, quarter * 2)
  bytes.fill(0xa5, quarter * 3, quarter * 3 + BLOCK * 8)
  return bytes
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export async function googleFastbootChecks(terminal: GadgetClient): Promise<void> {
  const fastboot = (...args: string[]): Promise<string> => run('fastboot', ['-s', SERIAL, ...args])

  async function flashed(partition: string, bytes: Uint8Array, encode?: string): Promise<readonly string[]> {
    const path = `/run/${partition}.img`
    writeFileSync(path, bytes)
    if (encode !== undefined) await run(encode, [path, `${path}.sparse`])
    await terminal.call('commands')
    await fastboot('flash', partition, encode === undefined ? path : `${path}.sparse`)
    assert.equal(
      await terminal.call('digest', partition, bytes.length),
      sha256(bytes),
      `${partition} is not byte-exact`,
    )
    return await terminal.call('commands')
  }

  await check('Google’s fastboot finds the terminal', async () => {
    // `getvar` waits for the terminal to appear; `devices` does not.
    assert.match(await fastboot('getvar', 'product'), /product: NX679J/)
    assert.match(await run('fastboot', ['devices']), new RegExp(`^${SERIAL}\\s+fastboot`))
  })
  await check('Google’s fastboot flashes a raw image byte-exact', async () => {
    // Not a multiple of any packet size: the last packet is short.
    const commands = await flashed('vendor_boot_b', image(MIB - BLOCK + 123))
    assert.equal(commands.filter((c) => c.startsWith('flash:')).length, 1)
  })
  await check('Google’s fastboot flashes a sparse image byte-exact', async () => {
    const commands = await flashed('modem_b', image(MIB), 'img2simg')
    const sizes = commands.flatMap((c) => /^download:(\w+)/.exec(c)?.[1] ?? [])
    assert.ok(Number.parseInt(sizes[0] ?? '', 16) < MIB, `sent expanded: ${sizes}`)
  })
  await check('Google’s fastboot flashes an image larger than the limit byte-exact', async () => {
    const commands = await flashed('userdata', image(11 * MIB))
    const flashes = commands.filter((c) => c === 'flash:userdata').length
    assert.ok(flashes >= 3, `${flashes} pieces`)
  })
}
