import { describe, expect, it } from 'vitest'
import { sha256 } from '../../../shared/units.ts'
import { Asking } from './asking.ts'

const [wanted, other] = [sha256('ab'.repeat(32)), sha256('cd'.repeat(32))]

/** How many of the pieces the terminal was asked about, given what it would say of each. */
async function asked(asking: Asking, says: readonly (typeof wanted | undefined)[]): Promise<number> {
  let count = 0
  for (const digest of says)
    await asking.holds({
      wanted,
      ask: async () => {
        count += 1
        return digest
      },
    })
  return count
}

/** Which questions were asked about each piece, given what the terminal would say of its sample and of all of it. */
async function questions(
  says: readonly { readonly sample: typeof wanted | undefined; readonly whole: typeof wanted }[],
): Promise<readonly string[]> {
  const asking = new Asking(true)
  const asked: string[] = []
  for (const { sample, whole } of says) {
    let names = ''
    const question = (name: string, told: typeof wanted | undefined) => ({
      wanted,
      ask: async () => {
        names += name
        return told
      },
    })
    const held = await asking.holds(question('w', whole), question('s', sample))
    asked.push(`${names}${held ? '+' : '-'}`)
  }
  return asked
}

describe('asking before a piece is sent', () => {
  it('goes on as long as pieces are there, and becomes rare when none is', async () => {
    expect(
      await asked(
        new Asking(true),
        Array.from({ length: 20 }, () => wanted),
      ),
    ).toBe(20)
    expect(
      await asked(
        new Asking(true),
        Array.from({ length: 20 }, () => other),
      ),
    ).toBe(4 + 4)
  })

  it('is full again after one that was there', async () => {
    const asking = new Asking(true)
    expect(await asked(asking, [other, other, other, other, wanted, other, other])).toBe(7)
  })

  it('ends where the programmer cannot tell', async () => {
    expect(await asked(new Asking(false), [wanted, wanted])).toBe(0)
    expect(await asked(new Asking(true), [undefined, wanted, wanted])).toBe(1)
  })
  it('begins with a sample after a piece that differed, and believes only the whole', async () => {
    const [same, different] = [
      { sample: wanted, whole: wanted },
      { sample: other, whole: other },
    ]
    const alikeAtFirst = { sample: wanted, whole: other }
    expect(await questions([same, different, different, alikeAtFirst, same, same])).toEqual([
      ...['w+', 'w-', 's-', 'sw-', 'sw+', 'w+'],
    ])
    expect(await questions([different, { sample: undefined, whole: wanted }, same])).toEqual([
      'w-',
      's-',
      '-',
    ])
  })
})
