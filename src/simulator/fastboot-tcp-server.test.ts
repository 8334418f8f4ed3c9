// Google's own fastboot drives the simulated terminal; what it wrote must lie in storage, byte for byte.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, type TestContext } from 'vitest'
import { requireTool } from '../../test/tools.ts'
import { serveFastbootTcp } from './fastboot-tcp-server.ts'
import type { ProfileId } from './profiles/index.ts'
import { randomBytes } from './randomness.ts'
import type { SimulatedTerminal } from './terminal.ts'
import { testTerminal } from './test-terminal.ts'

interface Bench {
  readonly terminal: SimulatedTerminal
  readonly port: number
  readonly folder: string
  /** Output (both streams) of fastboot with these arguments. @throws when it fails. */
  fastboot(...args: string[]): Promise<string>
}

async function withBench(
  test: TestContext,
  id: ProfileId,
  changes: Parameters<typeof testTerminal>[1],
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const tool = requireTool('fastboot', test)
  const terminal = await testTerminal(id, changes)
  await terminal.powerOn({ keys: 'bootloader' })
  const server = await serveFastbootTcp(terminal, { port: 0, host: '127.0.0.1' })
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-tcp-'))
  const fastboot = async (...args: string[]) => {
    const all = ['-s', `tcp:127.0.0.1:${server.port}`, ...args]
    const { stdout, stderr } = await promisify(execFile)(tool, all, { timeout: 20_000 })
    return stdout + stderr
  }
  try {
    await run({ terminal, port: server.port, folder, fastboot })
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
}

const stateOf = (terminal: SimulatedTerminal, wanted: string): Promise<void> =>
  new Promise((resolve) => {
    if (terminal.state === wanted) resolve()
    terminal.on((event) => {
      if (event.kind === 'state' && event.state === wanted) resolve()
    })
  })

describe("Google's fastboot", () => {
  it('reads all variables', async (test) => {
    await withBench(test, 'nx679j', {}, async ({ fastboot }) => {
      const all = await fastboot('getvar', 'all')
      expect(all).toContain('(bootloader) product:NX679J')
      expect(all).toContain('(bootloader) max-download-size:805306368')
      expect(all).toContain('(bootloader) current-slot:a')
      expect(all).toContain('(bootloader) slot-successful:b:yes')
      expect(all).toContain('(bootloader) has-slot:system:yes')
      expect(all).toContain('(bootloader) partition-size:boot_a: 0x40000')
      expect(await fastboot('getvar', 'serialno')).toContain('serialno: SIM0123456789')
    })
  })

  it('writes a raw image', async (test) => {
    await withBench(test, 'nx679j', {}, async ({ terminal, fastboot, folder }) => {
      const image = randomBytes('raw', 200_000)
      await writeFile(join(folder, 'boot image.img'), image)
      const before = await terminal.readPartition('boot_b')
      await fastboot('flash', 'boot_b', join(folder, 'boot image.img'))
      const after = await terminal.readPartition('boot_b')
      expect(Buffer.compare(after.subarray(0, image.length), image)).toBe(0)
      expect(Buffer.compare(after.subarray(image.length), before.subarray(image.length))).toBe(0)
    })
  })

  it('writes what img2simg made, keeping what the image does not care about', async (test) => {
    const img2simg = requireTool('img2simg', test)
    await withBench(test, 'nx679j', {}, async ({ terminal, fastboot, folder }) => {
      const image = new Uint8Array(512 << 10)
      image.set(randomBytes('sparse', 100_000), 8192)
      image.fill(0x5a, 200_704, 300_000 - (300_000 % 4096))
      await writeFile(join(folder, 'raw.img'), image)
      await promisify(execFile)(img2simg, [join(folder, 'raw.img'), join(folder, 'sparse.img')])
      await terminal.writePartitionRaw('vendor_b', randomBytes('old', 512 << 10))
      await fastboot('flash', 'vendor_b', join(folder, 'sparse.img'))
      const stored = await terminal.readPartition('vendor_b')
      const wrong = [...stored.keys()].find((i) => stored[i] !== image[i])
      expect(wrong).toBeUndefined()
    })
  })

  it('splits what is larger than max-download-size, and all of it arrives', async (test) => {
    const options = { maxDownload: 300_000, sizes: { system: 3 << 20 } }
    await withBench(test, 'nx679j', { options }, async ({ terminal, fastboot, folder }) => {
      const image = randomBytes('large', 3 << 20)
      image.fill(0, 1 << 20, (1 << 20) + 500_000)
      await writeFile(join(folder, 'system.img'), image)
      const commands: string[] = []
      terminal.on((event) => event.kind === 'command' && commands.push(event.command))
      await fastboot('flash', 'system_b', join(folder, 'system.img'))
      expect(commands.filter((line) => line.startsWith('download:')).length).toBeGreaterThan(8)
      expect(Buffer.compare(await terminal.readPartition('system_b'), image)).toBe(0)
    })
  })

  it('erases, switches the slot and reboots into it', async (test) => {
    await withBench(test, 'nx679j', {}, async ({ terminal, fastboot }) => {
      await fastboot('erase', 'modem_b')
      expect((await terminal.readPartition('modem_b')).every((byte) => byte === 0)).toBe(true)
      await fastboot('--set-active=b')
      expect(await fastboot('getvar', 'current-slot')).toContain('current-slot: b')
      expect(await fastboot('getvar', 'slot-successful:b')).toContain('slot-successful:b: no')
      await fastboot('--set-active=a')
      await fastboot('reboot-bootloader')
      await stateOf(terminal, 'bootloader')
      expect(await fastboot('getvar', 'product')).toContain('NX679J')
      await fastboot('reboot')
      await stateOf(terminal, 'system')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted' })
    })
  })

  it('is refused in locked state, for unknown partitions and for images that do not fit', async (test) => {
    await withBench(test, 'nx679j', {}, async ({ terminal, fastboot, folder }) => {
      await writeFile(join(folder, 'big.img'), randomBytes('big', 300_000))
      await expect(fastboot('flash', 'boot_b', join(folder, 'big.img'))).rejects.toThrow(
        /exceeds partition size/,
      )
      await expect(fastboot('flash', 'nonsense', join(folder, 'big.img'))).rejects.toThrow(/does not exist/)
      await expect(fastboot('oem', 'edl')).rejects.toThrow(/unknown command/)
      await terminal.storage.setState({ unlocked: false })
      const before = await terminal.partitionDigest('dtbo_b')
      await expect(fastboot('erase', 'dtbo_b')).rejects.toThrow(/not allowed in locked state/)
      await expect(fastboot('--set-active=b')).rejects.toThrow(/not allowed in locked state/)
      expect(await terminal.partitionDigest('dtbo_b')).toBe(before)
    })
  })

  it('unlocks, which wipes userdata and nothing else', async (test) => {
    await withBench(test, 'nx679j', { unlocked: false }, async ({ terminal, fastboot }) => {
      const persist = await terminal.partitionDigest('persist')
      expect((await terminal.readPartition('userdata')).some((byte) => byte !== 0)).toBe(true)
      expect(await fastboot('flashing', 'get_unlock_ability')).toContain('get_unlock_ability: 1')
      await fastboot('flashing', 'unlock')
      expect(await fastboot('getvar', 'unlocked')).toContain('unlocked: yes')
      expect((await terminal.readPartition('userdata')).every((byte) => byte === 0)).toBe(true)
      expect(await terminal.partitionDigest('persist')).toBe(persist)
      expect(await fastboot('oem', 'device-info')).toContain('Device unlocked: true')
    })
  })

  it('copes with a Unisoc bootloader that says little', async (test) => {
    await withBench(test, 'unisoc-ab', {}, async ({ terminal, fastboot, folder }) => {
      expect(await fastboot('getvar', 'all')).not.toContain('product')
      expect(await fastboot('getvar', 'slot-successful:a')).toMatch(/slot-successful:a: *\n/)
      expect(await fastboot('getvar', 'current-slot')).toContain('_a')
      const image = randomBytes('boot', 256 << 10)
      await writeFile(join(folder, 'boot.img'), image)
      await fastboot('--slot', 'b', 'flash', 'boot', join(folder, 'boot.img'))
      expect(Buffer.compare(await terminal.readPartition('boot_b'), image)).toBe(0)
    })
  })

  it('reads a partition back where there is fetch', async (test) => {
    await withBench(test, 'nx679j-fetch', {}, async ({ terminal, port }) => {
      const stored = randomBytes('stored', 64 << 10)
      await terminal.writePartitionRaw('dtbo_a', stored)
      const fetched = await fetchOverTcp(port, 'fetch:dtbo_a:0x1000:0x2000')
      expect(Buffer.compare(fetched, stored.subarray(0x1000, 0x3000))).toBe(0)
    })
  })
})

/** The installed fastboot may be older than `fetch`, so a plain socket asks. */
function fetchOverTcp(port: number, command: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      const message = Buffer.alloc(8 + command.length)
      message.writeBigUInt64BE(BigInt(command.length))
      message.write(command, 8, 'latin1')
      socket.write('FB01')
      socket.write(message)
    })
    let received = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const messages = split(received.subarray(4))
      if (messages.at(-1)?.toString('latin1') !== 'OKAY') return
      socket.destroy()
      resolve(Buffer.concat(messages.slice(1, -1)))
    })
  })
}

function split(stream: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at + 8 <= stream.length; ) {
    const end = at + 8 + Number(stream.readBigUInt64BE(at))
    if (end > stream.length) break
    messages.push(stream.subarray(at + 8, end))
    at = end
  }
  return messages
}

describe('the network', () => {
  it('is answered in the bootloader only', async () => {
    const terminal = await testTerminal('nx679j')
    const server = await serveFastbootTcp(terminal, { port: 0, host: '127.0.0.1' })
    const greeted = () =>
      new Promise<string>((resolve, reject) => {
        const chunks: Buffer[] = []
        const socket = connect(server.port, '127.0.0.1', () => socket.write('FB01'))
        socket.on('data', (chunk) => {
          chunks.push(chunk)
          socket.end()
        })
        socket.on('error', reject)
        socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
      })
    try {
      expect(await greeted()).toBe('')
      await terminal.powerOn({ keys: 'bootloader' })
      expect(await greeted()).toBe('FB01')
      terminal.cutPower()
      await terminal.powerOn()
      expect(terminal.state).toBe('system')
      expect(await greeted()).toBe('')
    } finally {
      await server.close()
    }
  })
})
