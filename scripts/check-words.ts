// Part of `npm run lint`: names untranslated texts in components, keys that a language lacks, and keys that nobody uses.
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { literalTexts, missingWords, unusedKeys, type Words } from './words.ts'

const ROOT = join(import.meta.dirname, '..')
const WORDS = 'src/renderer/i18n'
const problems: string[] = []
const sources: string[] = []

for await (const path of glob('src/renderer/**/*.{ts,tsx}', { cwd: ROOT })) {
  const file = path.split(sep).join('/')
  if (file.includes('.test.') || /i18n\/[a-z]{2}(-[A-Z]{2})?\.ts$/.test(file)) continue
  const source = readFileSync(join(ROOT, path), 'utf8')
  sources.push(source)
  for (const text of literalTexts(file, source)) problems.push(`${file}: “${text}” is not translated`)
}

const { en } = (await import(pathToFileURL(join(ROOT, WORDS, 'en.ts')).href)) as { readonly en: Words }
let languages = 1
for await (const path of glob(`${WORDS}/[a-z][a-z]*.ts`, { cwd: ROOT })) {
  const language = basename(path, '.ts')
  if (language === 'en' || !/^[a-z]{2}(-[A-Z]{2})?$/.test(language)) continue
  languages += 1
  const module: unknown = await import(pathToFileURL(join(ROOT, path)).href)
  const { words } = module as { readonly words: Words }
  for (const problem of missingWords(language, words, en)) problems.push(`${path}: ${problem}`)
}
for (const key of unusedKeys(en, sources)) problems.push(`${WORDS}/en.ts: ${key} is used nowhere`)

for (const problem of problems) console.error(problem)
const verdict = problems.length === 0 ? 'All is translated.' : `${problems.length} problems.`
console.log(`Checked the words of ${sources.length} files in ${languages} languages. ${verdict}`)
process.exitCode = problems.length === 0 ? 0 : 1
