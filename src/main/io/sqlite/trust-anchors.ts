// The keys that this bench trusts, in its database.
import type { DatabaseSync } from 'node:sqlite'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type TrustAnchor, trustAnchorSchema } from '../../../shared/trust.ts'
import { transaction } from './database.ts'

export class TrustAnchors {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** By name. A row that can no longer be read trusts nothing. */
  list(): readonly TrustAnchor[] {
    const rows = this.#database.prepare('SELECT * FROM trust_anchors ORDER BY name').all()
    return rows.map(asAnchor).filter((anchor) => anchor !== undefined)
  }

  /** @throws SlotbenchError `anchor-invalid` when the name or the key is there already. */
  add(anchor: TrustAnchor): void {
    transaction(this.#database, () => {
      const taken = this.#database
        .prepare('SELECT name FROM trust_anchors WHERE name = ? OR fingerprint = ?')
        .get(anchor.name, anchor.fingerprint)
      if (taken !== undefined)
        throw new SlotbenchError('anchor-invalid', `that name or key is trusted already, as ${taken['name']}`)
      this.#database
        .prepare(
          'INSERT INTO trust_anchors (name, kind, data, fingerprint, added_at, added_by) VALUES (?,?,?,?,?,?)',
        )
        .run(anchor.name, anchor.kind, anchor.data, anchor.fingerprint, anchor.addedAt, anchor.addedBy)
    })
  }

  /** @param named the name, or at least the first 8 digits of the fingerprint.
   * @throws SlotbenchError `anchor-unknown` when nothing, or more than one, goes by it. */
  remove(named: string): TrustAnchor {
    return transaction(this.#database, () => {
      const anchors = this.list()
      const byName = anchors.filter(({ name }) => name.toLowerCase() === named.toLowerCase())
      const byKey = anchors.filter(
        ({ fingerprint }) => named.length >= 8 && fingerprint.startsWith(named.toLowerCase()),
      )
      const [anchor, ...others] = byName.length > 0 ? byName : byKey
      if (anchor === undefined || others.length > 0)
        throw new SlotbenchError(
          'anchor-unknown',
          `${others.length > 0 ? 'more than one key' : 'no key'} is trusted as ${named}`,
        )
      this.#database.prepare('DELETE FROM trust_anchors WHERE name = ?').run(anchor.name)
      return anchor
    })
  }
}

function asAnchor(row: Record<string, unknown>): TrustAnchor | undefined {
  const { name, kind, data, fingerprint } = row
  const parsed = trustAnchorSchema.safeParse({
    ...{ name, kind, data, fingerprint },
    ...{ addedAt: row['added_at'], addedBy: row['added_by'] },
  })
  return parsed.success ? parsed.data : undefined
}
