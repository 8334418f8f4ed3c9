// Words in the chosen language. English is always there; the others come when they are chosen.
import i18next from 'i18next'
import { create } from 'zustand'
import { LANGUAGES, type Settings } from '../../shared/contract.ts'
import { en } from './en.ts'

export type Language = (typeof LANGUAGES)[number]
type PluralEnd = '_zero' | '_one' | '_two' | '_few' | '_many' | '_other'
type Stem<K> = K extends `${infer S}${PluralEnd}` ? S : K
/** A key of the English words; one that counts has its forms under the same stem. */
export type TextKey = Stem<keyof typeof en>
export type Values = Readonly<Record<string, string | number>>
/** Words of a key, with values put in. */
export type Translate = (key: TextKey, values?: Values) => string
/** Every language has every key of English, in its own plural forms. */
export type Words = Readonly<Record<string, string>>

/** What each language calls itself. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  'zh-CN': '简体中文',
  es: 'Español',
  pt: 'Português',
  ru: 'Русский',
  fr: 'Français',
  ar: 'العربية',
}

const words = i18next.createInstance({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: en } },
  keySeparator: false,
  nsSeparator: false,
  // React escapes; twice would show.
  interpolation: { escapeValue: false },
  initAsync: false,
})
void words.init()

const OTHERS: Partial<Record<Language, () => Promise<Words>>> = {}

const useLanguage = create<{ readonly language: Language }>(() => ({ language: 'en' }))

/** Languages that have words. */
export function offeredLanguages(): readonly Language[] {
  return LANGUAGES.filter((language) => language === 'en' || OTHERS[language] !== undefined)
}

export async function chooseLanguage(wanted: Settings['language']): Promise<void> {
  const language = wanted === 'system' ? ofSystem() : wanted
  const load = OTHERS[language]
  if (load !== undefined && !words.hasResourceBundle(language, 'translation'))
    words.addResourceBundle(language, 'translation', await load())
  await words.changeLanguage(load === undefined ? 'en' : language)
  const shown = words.language as Language
  document.documentElement.lang = shown
  document.documentElement.dir = words.dir(shown)
  useLanguage.setState({ language: shown })
}

function ofSystem(): Language {
  for (const tag of navigator.languages) {
    const found = offeredLanguages().find(
      (known) => tag === known || tag.split('-')[0] === known.split('-')[0],
    )
    if (found !== undefined) return found
  }
  return 'en'
}

const translate: Translate = (key, values) => words.t(key as string, values ?? {})

/** The words of the language that is shown; a change of language renders anew. */
export function useText(): Translate {
  useLanguage()
  return translate
}

export function useLocale(): Language {
  return useLanguage().language
}

/** For words outside of components. */
export const text = translate

/** Words that may be missing: then what the engine says in English. */
export function translated(key: string, english: string): string {
  return words.exists(key) ? words.t(key) : english
}
