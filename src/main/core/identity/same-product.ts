// Whether a terminal and a package mean the same product, by any of their names, with a message that says which field said what.
import type { Fact } from '../../../shared/terminal.ts'
import { PRODUCTS, type Product } from './products.ts'

/** A name together with the field it was read from, e.g. `{ value: 'PQ85A01', source: 'ro.product.device' }`. */
export type Name = Fact<string>

export type ProductMatch =
  /** `how`: the same name, or two names of one product. */
  | {
      readonly kind: 'same'
      readonly how: 'name' | 'alias'
      readonly terminal: Name
      readonly rom: Name
      readonly product: Product | undefined
      readonly message: string
    }
  | { readonly kind: 'different'; readonly message: string }
  /** The terminal's own names belong to different products: a package of another model was written to it once, or an identity was
   * copied. Which of them it is, software cannot tell. */
  | { readonly kind: 'contradiction'; readonly products: readonly Product[]; readonly message: string }
  /** One side has no name at all. */
  | { readonly kind: 'unnamed'; readonly side: 'terminal' | 'rom'; readonly message: string }

const BY_NAME: ReadonlyMap<string, Product> = new Map(
  PRODUCTS.flatMap((product) => product.names.map((name) => [normal(name), product] as const)),
)

/** The product that all known names agree on; names nobody knows (`taro`, `kalama`) say nothing.
 * @returns undefined when none is known, or when they name different products. */
export function recognise(names: readonly string[]): Product | undefined {
  const products = productsOf(names)
  return products.length === 1 ? products[0] : undefined
}

/** Keys under which a product's names are looked up. Two names that `sameProduct` takes for the same, or tells apart as regional
 * variants (`A2017G`, `A2017`; `NX789J`, `NX789S`), share at least one.
 * @returns none for an empty name. */
export function lookupKeys(name: string): readonly string[] {
  const own = normal(name)
  if (own === '') return []
  const names = [own, ...(BY_NAME.get(own)?.names ?? []).map(normal)]
  return [...new Set(names.flatMap((one) => [one, one.replace(/[a-z]$/, ''), one.replace(/[a-z]{2}$/, '')]))]
}

/** Compares every name of the terminal with every name of the package. */
export function sameProduct(terminal: readonly Name[], rom: readonly Name[]): ProductMatch {
  const own = terminal.filter((name) => normal(name.value) !== '')
  const wanted = rom.filter((name) => normal(name.value) !== '')
  if (own.length === 0) return unnamed('terminal', wanted)
  if (wanted.length === 0) return unnamed('rom', own)
  const products = productsOf(own.map((name) => name.value))
  if (products.length > 1) return contradiction(own, products)
  const variant = regionalVariant(own, wanted)
  for (const how of variant === undefined ? (['name', 'alias'] as const) : (['name'] as const))
    for (const a of own)
      for (const b of wanted)
        if (how === 'name' ? normal(a.value) === normal(b.value) : aliases(a, b))
          return {
            kind: 'same',
            how,
            terminal: a,
            rom: b,
            product: recognise([a.value]),
            message: agreed(how, a, b),
          }
  return { kind: 'different', message: variant ?? differed(own, wanted) }
}

/** A2017G and A2017 share a board code but not their packages: where one name is the other with a letter or two more, aliases count
 * for nothing. */
function regionalVariant(own: readonly Name[], wanted: readonly Name[]): string | undefined {
  const isLonger = (long: string, short: string) =>
    long.startsWith(short) && /^[a-z]{1,2}$/.test(long.slice(short.length))
  for (const a of own)
    for (const b of wanted) {
      const [x, y] = [normal(a.value), normal(b.value)]
      if (isLonger(x, y) || isLonger(y, x))
        return `the terminal’s ${a.source} says ${a.value}, the package’s ${b.source} says ${b.value}: these look like regional variants, whose packages are not exchangeable`
    }
  return undefined
}

function aliases(a: Name, b: Name): boolean {
  const product = BY_NAME.get(normal(a.value))
  return product !== undefined && product === BY_NAME.get(normal(b.value))
}

function productsOf(names: readonly string[]): readonly Product[] {
  return [...new Set(names.map((name) => BY_NAME.get(normal(name))).filter((p) => p !== undefined))]
}

/** Bootloader, system and package differ in case and in whether they put the brand before (`ZTE A2017`). Regional suffixes stay:
 * they are products of their own. */
function normal(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^(zte|nubia)[ _]+/, '')
}

function agreed(how: 'name' | 'alias', a: Name, b: Name): string {
  if (how === 'name') return `terminal and package are both ${a.value} (${a.source}; ${b.source})`
  const product = BY_NAME.get(normal(a.value))
  return `the terminal’s ${a.source} says ${a.value}, the package’s ${b.source} says ${b.value}: both names mean ${product?.marketing} (${product?.source})`
}

function differed(own: readonly Name[], wanted: readonly Name[]): string {
  const marks = (name: Name) => {
    const product = BY_NAME.get(normal(name.value))
    return `${name.source} = ${name.value}${product === undefined ? '' : `, a ${product.marketing}`}`
  }
  return `no name agrees: the terminal has ${own.map(marks).join('; ')}; the package has ${wanted.map(marks).join('; ')}`
}

function contradiction(own: readonly Name[], products: readonly Product[]): ProductMatch {
  const said = own
    .filter((name) => BY_NAME.has(normal(name.value)))
    .map((name) => `${name.source} = ${name.value} (${BY_NAME.get(normal(name.value))?.marketing})`)
  return {
    kind: 'contradiction',
    products,
    message: `the terminal contradicts itself: ${said.join('; ')}. Software of another model may have been written to it.`,
  }
}

function unnamed(side: 'terminal' | 'rom', other: readonly Name[]): ProductMatch {
  const who = side === 'terminal' ? 'the terminal has no name' : 'the package names no model'
  const said = other.map((name) => `${name.source} = ${name.value}`).join('; ') || 'nothing either'
  return { kind: 'unnamed', side, message: `${who}; the other side has ${said}` }
}
