import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRODUCTS } from './products.ts'
import { type Name, recognise, sameProduct } from './same-product.ts'

const named = (source: string, ...values: string[]): Name[] => values.map((value) => ({ value, source }))

describe('the sets', () => {
  it('share no name, and each says where it is from', () => {
    const names = PRODUCTS.flatMap((p) => p.names.map((n) => n.toLowerCase()))
    expect(new Set(names).size).toBe(names.length)
    for (const product of PRODUCTS) {
      expect(product.source).toContain('zte-domain §1')
      expect(product.names).toContain(product.id)
    }
  })

  it('keep regional variants apart', () => {
    expect(recognise(['NX789J'])).toBeUndefined()
    expect(recognise(['A2017G'])).toBeUndefined()
  })
})

describe('recognise', () => {
  it('knows both names of the double identities', () => {
    expect(recognise(['PQ85A01'])?.id).toBe('NX741J')
    expect(recognise(['nx741j'])?.id).toBe('NX741J')
    expect(recognise(['PQ83A01', 'NX769J'])?.id).toBe('NX769J')
  })

  it('lets names of platforms say nothing, and two products contradict', () => {
    expect(recognise(['taro', 'NX679J'])?.id).toBe('NX679J')
    expect(recognise(['taro'])).toBeUndefined()
    expect(recognise(['NX741J', 'NX769J'])).toBeUndefined()
    expect(recognise([])).toBeUndefined()
  })
})

describe('sameProduct', () => {
  it.each([
    ['NX741J', 'PQ85A01'],
    ['PQ85A01', 'NX741J'],
    ['NX769J', 'PQ83A01'],
    ['P855A01', 'A2020'],
    ['ZTE A2017', 'ailsa_ii'],
  ])('a terminal that says %s takes a package for %s', (own, wanted) => {
    const match = sameProduct(named('ro.product.model', own), named('pre-device', wanted))
    expect(match).toMatchObject({
      kind: 'same',
      how: 'alias',
      terminal: { value: own },
      rom: { value: wanted },
    })
    expect(match.message).toContain(`ro.product.model says ${own}`)
    expect(match.message).toContain(`pre-device says ${wanted}`)
  })

  it('prefers equal names, in any case', () => {
    const own = [...named('ro.product.model', 'NX741J'), ...named('getvar product', 'pq85a01')]
    expect(sameProduct(own, named('pre-device', 'PQ85A01'))).toMatchObject({
      kind: 'same',
      how: 'name',
      terminal: { source: 'getvar product' },
    })
  })

  it('says which field had which value when they differ', () => {
    const { kind, message } = sameProduct(
      [...named('ro.product.model', 'NX741J'), ...named('ro.board.platform', 'canoe')],
      named('pre-device', 'PQ83A01'),
    )
    expect(kind).toBe('different')
    expect(message).toContain('ro.product.model = NX741J, a nubia Z80 Ultra')
    expect(message).toContain('ro.board.platform = canoe')
    expect(message).toContain('pre-device = PQ83A01, a RedMagic 9 Pro')
  })

  it('takes no alias for a regional variant', () => {
    const own = [...named('ro.product.model', 'A2017G'), ...named('ro.product.board', 'ailsa_ii')]
    const match = sameProduct(own, named('pre-device', 'A2017'))
    expect(match.kind).toBe('different')
    expect(match.message).toContain('regional variants')
  })

  it('refuses a terminal that contradicts itself, even where one name fits', () => {
    const own = [...named('getvar product', 'NX741J'), ...named('ro.product.model', 'NX769J')]
    const match = sameProduct(own, named('pre-device', 'NX769J'))
    expect(match.kind).toBe('contradiction')
    expect(match.message).toContain('getvar product = NX741J')
  })

  it('says which side has no name', () => {
    expect(sameProduct([], named('pre-device', 'NX679J'))).toMatchObject({
      kind: 'unnamed',
      side: 'terminal',
    })
    expect(sameProduct(named('x', 'NX679J'), named('pre-device', ' '))).toMatchObject({
      kind: 'unnamed',
      side: 'rom',
    })
    expect(sameProduct([], [])).toMatchObject({ kind: 'unnamed' })
  })

  it('is symmetric, whatever the names', () => {
    const some = fc.oneof(
      fc.constantFrom(...PRODUCTS.flatMap((p) => p.names), 'A2017G', 'taro', 'nubia '),
      fc.string(),
    )
    fc.assert(
      fc.property(some, some, (a, b) => {
        const one = sameProduct(named('x', a), named('y', b)).kind
        expect(sameProduct(named('y', b), named('x', a)).kind).toBe(one)
      }),
    )
  })
})
