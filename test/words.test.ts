// The check of words finds what it is there to find.
import { describe, expect, it } from 'vitest'
import { literalTexts, missingWords, unusedKeys } from '../scripts/words.ts'

describe('texts in components', () => {
  it('are found wherever a person would read them', () => {
    const source = `export const A = ({ on }: { on: boolean }) => (
      <p title="Read me" className="quiet" data-x="not read">
        Hello {on ? 'there' : t('key')} {name} {on && 'you'}
        <B label={\`Bay \${1}\`} />
      </p>
    )`
    expect(new Set(literalTexts('a.tsx', source))).toEqual(
      new Set(['Hello', 'there', 'you', 'Read me', 'Bay']),
    )
  })

  it('are none where only keys, names of formats and signs stand', () => {
    const source = `export const A = () => <p title={t('a.b')}>{t('c.d')} · 1–9 <b>JSON</b> {name ?? ''}</p>`
    expect(literalTexts('a.tsx', source)).toEqual([])
  })
})

describe('a language', () => {
  const english = { 'a.b': 'Hello {{name}}', c_one: '{{count}} job', c_other: '{{count}} jobs' }

  it('needs every key, in its own plural forms', () => {
    const russian = { 'a.b': 'Привет, {{name}}', c_one: '1', c_few: '2', c_many: '5', c_other: '1,5' }
    expect(missingWords('ru', russian, english)).toEqual([])
    const { c_few: _, ...lacking } = russian
    expect(missingWords('ru', lacking, english)).toEqual(['c_few is missing'])
    expect(missingWords('zh-CN', { 'a.b': '你好', c_other: '{{count}}' }, english)).toEqual([])
  })

  it('has no keys and no values of its own', () => {
    const words = { 'a.b': 'Bonjour {{nom}}', c_one: ' ', c_other: 'x', c_many: 'x', d: 'x' }
    expect(missingWords('fr', words, english)).toEqual([
      'a.b has a value that English does not have',
      'c_one is empty',
      'd is not in English',
    ])
  })
})

it('a key that nobody names is found, and one that a template makes is not', () => {
  const english = { 'mode.edl': 'EDL', 'mode.old': 'Old', gone: 'Gone', said_other: 'Said' }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  expect(unusedKeys(english, ["t(`mode.${mode}`) t('said')"])).toEqual(['gone'])
})
