// Single partitions and backups on the command line, on a terminal that lets itself be read.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backupSchema } from '../../src/shared/backup.ts'
import { CliPlace, document, lines, plain, QUICK } from './slotbench.ts'

let place: CliPlace
beforeAll(() => {
  place = new CliPlace()
})
afterAll(() => place.close())

const READABLE = [...QUICK, '--profile', 'nx679j-fetch']
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
const readable = (serial: string) => place.simulate(...READABLE, '--serial', serial)

async function backupOf(data: string, endpoint: string) {
  const made = document(await place.run(data, '--json', 'backup', '-t', endpoint))
  return backupSchema.loose().parse(made['backup']) as { id: string; folder: string } & ReturnType<
    typeof backupSchema.parse
  >
}

describe.concurrent('slotbench', () => {
  it('lists partitions, reads one into a file, and digests it to the same', async () => {
    const { endpoint } = await readable('P1')
    const data = place.newData()
    const listed = await place.run(data, 'partitions', '-t', endpoint)
    expect(listed.code, plain(listed)).toBe(0)
    expect(listed.stdout).toMatch(/boot_a +\d/)
    const file = join(place.folder, 'boot_a.img')
    const read = document(await place.run(data, '--json', 'read', 'boot_a', file, '-t', endpoint))
    expect(read['sha256']).toBe(sha256(readFileSync(file)))
    const digest = document(await place.run(data, '--json', 'digest', 'boot_a', '-t', endpoint))
    expect(digest).toMatchObject({ sha256: read['sha256'], bytes: readFileSync(file).length })
    const missing = await place.run(data, '--json', 'read', 'nothing', file, '-t', endpoint)
    expect([missing.code, document(missing)]).toMatchObject([2, { error: { code: 'partition-missing' } }])
  })

  it('writes a file to one partition of the other slot as a job: kept before, read back after', async () => {
    const { endpoint } = await readable('P2')
    const data = place.newData()
    const file = join(place.folder, 'new.img')
    writeFileSync(file, Buffer.alloc(70_000, 'slotbench'))
    const written = await place.run(data, '--json', 'write', 'dtbo_b', file, '-t', endpoint, '--yes')
    expect(written.code, plain(written)).toBe(0)
    const kinds = lines(written).flatMap((event) => (event['type'] === 'step-proven' ? [event['step']] : []))
    expect(kinds).toEqual(['01-identify', '02-backup-dtbo_b', '03-write-file-dtbo_b'])
    const size = String(readFileSync(file).length)
    const digest = document(
      await place.run(data, '--json', 'digest', 'dtbo_b', '--size', size, '-t', endpoint),
    )
    expect(digest['sha256']).toBe(sha256(readFileSync(file)))
    const { backups } = document(await place.run(data, '--json', 'backups')) as { backups: unknown[] }
    expect(backups).toMatchObject([{ partitions: [{ name: 'dtbo_b' }] }])
  })

  const refused = [
    ['the active slot', ['write', 'dtbo_a'], 'active-slot'],
    ['a radio partition', ['write', 'modemst1'], 'partition-protected'],
  ] as const
  it.each(refused)('does not write %s', async (_, command, blocker) => {
    const { endpoint } = await readable(`P-${blocker}`)
    const data = place.newData()
    const file = join(place.folder, `${blocker}.img`)
    writeFileSync(file, Buffer.alloc(4096, 7))
    const before = document(await place.run(data, '--json', 'digest', command[1], '-t', endpoint))
    const run = await place.run(data, '--json', ...command, file, '-t', endpoint, '--yes')
    expect(run.code).toBe(4)
    expect(lines(run).at(-1)).toMatchObject({ error: { code: 'plan-blocked', message: blocker } })
    expect(document(await place.run(data, '--json', 'digest', command[1], '-t', endpoint))).toEqual(before)
  })

  it('backs up what belongs to one terminal alone, and brings it back to that one only', async () => {
    const { endpoint } = await readable('P3')
    const data = place.newData()
    const made = await backupOf(data, endpoint)
    expect(made.partitions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['modemst1', 'modemst2', 'fsg', 'persist']),
    )
    for (const { file, bytes, sha256: digest } of made.partitions) {
      const content = readFileSync(join(made.folder, file))
      expect([content.length, sha256(content)]).toEqual([bytes, digest])
    }
    const words = await place.run(data, 'backups')
    expect(words.stdout).toContain(made.id)

    const restored = await place.run(data, '--json', 'restore', made.id, '-t', endpoint, '--yes')
    expect(restored.code, plain(restored)).toBe(0)
    const another = await readable('P4')
    const run = await place.run(data, '--json', 'restore', made.id, '-t', another.endpoint, '--yes')
    expect(lines(run).at(-1)).toMatchObject({ error: { message: 'another-terminal' } })
  })

  it('exports a backup that another bench restores, and takes none that was changed since', async () => {
    const { endpoint } = await readable('P5')
    const data = place.newData()
    const made = await backupOf(data, endpoint)
    const to = join(place.folder, 'stick')
    const { folder } = document(
      await place.run(data, '--json', 'backups', '--export', made.id, '--to', to),
    ) as { folder: string }
    const elsewhere = place.newData()
    const one = ['--partition', 'fsg', '--yes']
    const run = await place.run(elsewhere, '--json', 'restore', folder, '-t', endpoint, ...one)
    expect(run.code, plain(run)).toBe(0)
    const file = join(folder, 'fsg.img')
    const content = readFileSync(file)
    content[100] = (content[100] ?? 0) ^ 1
    writeFileSync(file, content)
    const spoilt = await place.run(elsewhere, '--json', 'restore', folder, '-t', endpoint, ...one)
    expect([spoilt.code, document(spoilt)]).toMatchObject([8, { error: { code: 'backup-damaged' } }])
    const unknown = await place.run(elsewhere, '--json', 'restore', 'nothing', '-t', endpoint, ...one)
    expect(document(unknown)).toMatchObject({ error: { code: 'backup-not-found' } })
  })
})
