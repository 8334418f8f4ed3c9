// What the words of the interface must keep to: nothing that people read stands in a component, and every language has every key.
import { parseAst } from 'vite'

export type Words = Readonly<Record<string, string>>

/** Attributes that people hear or read. */
const SPOKEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label', 'hint', 'aria-roledescription'])
/** What is the same in every language: names of formats and the product's own. */
const NAMES = new Set(['Slotbench', 'JSON', 'SHA-256'])
const PLURAL = /_(zero|one|two|few|many|other)$/

type AstNode = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>
const isNode = (value: unknown): value is AstNode =>
  typeof value === 'object' && value !== null && typeof (value as AstNode)['type'] === 'string'

/** Literal texts of a component that a person would read.
 * @throws SyntaxError when the source does not parse. */
export function literalTexts(file: string, source: string): readonly string[] {
  const found: string[] = []
  const note = (text: unknown): void => {
    if (typeof text === 'string' && /\p{L}{2}/u.test(text) && !NAMES.has(text.trim())) found.push(text.trim())
  }
  const literalsIn = (value: unknown): void => {
    if (!isNode(value)) return
    if (value.type === 'Literal') note(value['value'])
    if (value.type === 'TemplateLiteral')
      for (const quasi of value['quasis'] as readonly { readonly value: { readonly raw: string } }[])
        note(quasi.value.raw)
    if (value.type === 'ConditionalExpression') [value['consequent'], value['alternate']].forEach(literalsIn)
    if (value.type === 'LogicalExpression') literalsIn(value['right'])
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item)
    if (!isNode(value)) return
    if (value.type === 'JSXText') note(value['value'])
    if (value.type === 'JSXElement' || value.type === 'JSXFragment')
      for (const child of value['children'] as readonly AstNode[])
        if (child.type === 'JSXExpressionContainer') literalsIn(child['expression'])
    if (value.type === 'JSXAttribute') {
      const { name } = value['name'] as { readonly name: unknown }
      const held = value['value']
      if (typeof name === 'string' && SPOKEN.has(name))
        literalsIn(isNode(held) && held.type === 'JSXExpressionContainer' ? held['expression'] : held)
    }
    for (const child of Object.values(value)) visit(child)
  }
  visit(parseAst(source, { lang: file.endsWith('.tsx') ? 'tsx' : 'ts', sourceType: 'module' }, file))
  return found
}

/** What is wrong with the words of a language, held against English. */
export function missingWords(language: string, words: Words, english: Words): readonly string[] {
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories
  const problems: string[] = []
  for (const key of wantedKeys(english, forms))
    if (words[key] === undefined) problems.push(`${key} is missing`)
  for (const [key, text] of Object.entries(words)) {
    const stem = key.replace(PLURAL, '')
    const origin = english[key] ?? english[`${stem}_other`]
    if (origin === undefined) problems.push(`${key} is not in English`)
    else if (text.trim() === '') problems.push(`${key} is empty`)
    else if (valuesIn(text).some((value) => !valuesIn(origin).includes(value)))
      problems.push(`${key} has a value that English does not have`)
  }
  return problems
}

/** Keys that count are wanted in the plural forms of the language; `_zero` is a courtesy of English. */
function wantedKeys(english: Words, forms: readonly string[]): readonly string[] {
  const keys = Object.keys(english).filter((key) => !PLURAL.test(key))
  const stems = new Set(
    Object.keys(english).flatMap((key) => (PLURAL.test(key) ? [key.replace(PLURAL, '')] : [])),
  )
  return [...keys, ...[...stems].flatMap((stem) => forms.map((form) => `${stem}_${form}`))]
}

function valuesIn(text: string): readonly string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name)
}

/** Keys that no source names, neither whole nor as what a template makes of a part. */
export function unusedKeys(english: Words, sources: readonly string[]): readonly string[] {
  const all = sources.join('\n')
  const parts = [...all.matchAll(/`([\w.-]*)\$\{[^`]*?\}([\w.-]*)`/g)].map(([, before = '', after = '']) => ({
    before,
    after,
  }))
  return Object.keys(english).filter((key) => {
    const stem = key.replace(PLURAL, '')
    if (all.includes(`'${stem}'`)) return false
    return !parts.some(
      ({ before, after }) => before.includes('.') && stem.startsWith(before) && stem.endsWith(after),
    )
  })
}
