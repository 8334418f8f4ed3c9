// Trusted keys in the database, and what a verified package leaves there.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TrustAnchor } from '../../../shared/trust.ts'
import type { TrustEvidence } from '../../core/trust/evidence.ts'
import { openDatabase } from './database.ts'
import { MIGRATIONS } from './migrations.ts'
import { TrustAnchors } from './trust-anchors.ts'
import { VerifiedRoms } from './verified-roms.ts'

let folder: string
let database: DatabaseSync
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-trust-'))
  database = openDatabase(join(folder, 'bench.sqlite'))
})
afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const anchorOf = (name: string, digit: string): TrustAnchor => ({
  ...{ name, kind: 'public-key', data: 'AAAA', fingerprint: digit.repeat(64) },
  ...{ addedAt: '2026-11-25T10:00:00.000Z', addedBy: 'lin' },
})

describe('trusted keys', () => {
  it('stay, by name, until they are removed', () => {
    const anchors = new TrustAnchors(database)
    expect(anchors.list()).toEqual([])
    anchors.add(anchorOf('ZTE', 'b'))
    anchors.add(anchorOf('Nubia', 'a'))
    const again = openDatabase(join(folder, 'bench.sqlite'))
    expect(new TrustAnchors(again).list()).toEqual([anchorOf('Nubia', 'a'), anchorOf('ZTE', 'b')])
    again.close()
    expect(anchors.remove('zte')).toEqual(anchorOf('ZTE', 'b'))
    expect(anchors.remove('AAAAAAAA')).toEqual(anchorOf('Nubia', 'a'))
    expect(anchors.list()).toEqual([])
  })

  it('have one name and are trusted once', () => {
    const anchors = new TrustAnchors(database)
    anchors.add(anchorOf('ZTE', 'b'))
    const refused = expect.objectContaining({ code: 'anchor-invalid' })
    expect(() => anchors.add(anchorOf('zte', 'c'))).toThrow(refused)
    expect(() => anchors.add(anchorOf('Other', 'b'))).toThrow(refused)
    expect(anchors.list()).toHaveLength(1)
  })

  it('are removed by a name that means one of them only', () => {
    const anchors = new TrustAnchors(database)
    const twin = { ...anchorOf('Twin', 'b'), fingerprint: `${'b'.repeat(63)}c` }
    for (const anchor of [anchorOf('ZTE', 'b'), twin]) anchors.add(anchor)
    const unknown = expect.objectContaining({ code: 'anchor-unknown' })
    for (const name of ['nobody', 'b', 'bbbbbbb', 'bbbbbbbb'])
      expect(() => anchors.remove(name)).toThrow(unknown)
    expect(anchors.remove(`${'b'.repeat(63)}c`).name).toBe('Twin')
  })

  it('that somebody wrote nonsense into trust nothing', () => {
    const anchors = new TrustAnchors(database)
    anchors.add(anchorOf('ZTE', 'b'))
    database.exec(`UPDATE trust_anchors SET kind = 'everything'`)
    expect(anchors.list()).toEqual([])
  })
})

const EVIDENCE: TrustEvidence = {
  ota: { kind: 'unsigned' },
  images: { read: 1, promised: 1 },
  delta: false,
  avb: [],
}

describe('a verified package', () => {
  const info = (path: string): RomInfo => ({
    ...{ kind: 'ota-zip', path, packageSize: 5, fingerprint: 'f'.repeat(64), models: [], full: true },
    ...{ downgrade: false, requirements: [], dynamicGroups: [], images: [], notes: [] },
  })
  const put = () => {
    const path = join(folder, 'rom.zip')
    writeFileSync(path, 'a ROM')
    return path
  }

  it('leaves what was found in it, and no verdict', async () => {
    const roms = new VerifiedRoms(database)
    const path = put()
    const trust = { verdict: 'genuine', summary: 'x', publishers: ['x'], reasons: [] } as const
    const judged = { ...info(path), trust: { ...trust, publishers: ['x'], reasons: [] } }
    await roms.remember(path, { info: judged, evidence: EVIDENCE }, new Date())
    const found = await roms.find(path, 'f'.repeat(64))
    expect(found).toEqual({ info: info(path), evidence: EVIDENCE })
    expect(JSON.stringify(database.prepare('SELECT * FROM verified_roms').all())).not.toContain('genuine')
  })

  it('is unknown when the file or its content is another, and in rows without evidence', async () => {
    const roms = new VerifiedRoms(database)
    const path = put()
    await roms.remember(path, { info: info(path), evidence: EVIDENCE }, new Date())
    expect(await roms.find(path, 'e'.repeat(64))).toBeUndefined()
    database.exec('UPDATE verified_roms SET evidence = NULL')
    expect(await roms.find(path, 'f'.repeat(64))).toBeUndefined()
    await roms.remember(path, { info: info(path), evidence: EVIDENCE }, new Date())
    utimesSync(path, new Date(5), new Date(5))
    expect(await roms.find(path, 'f'.repeat(64))).toBeUndefined()
  })

  it('of a database from before there was trust is read once more', () => {
    const old = join(folder, 'old.sqlite')
    const before = new DatabaseSync(old)
    const version = MIGRATIONS.findIndex((sql) => sql.includes('trust_anchors'))
    before.exec(`${MIGRATIONS.slice(0, version).join(';')}; PRAGMA user_version = ${version}`)
    before.exec(
      `INSERT INTO verified_roms (path, stamp, info, verified_at) VALUES ('/rom.zip', 's', '{}', 'x')`,
    )
    before.close()
    const migrated = openDatabase(old)
    expect(migrated.prepare('SELECT evidence FROM verified_roms').all()).toEqual([{ evidence: null }])
    migrated.close()
  })
})
