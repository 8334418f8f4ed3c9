// android-info.txt: what a terminal must be for a fastboot image set (AOSP fastboot.cpp, ParseRequirementLine).
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Requirement } from '../../../shared/rom.ts'
import { textLines } from './text-lines.ts'

const FOR_PRODUCT = /^require-for-product:\s*(?<product>\S+)\s+(?<variable>[^\s=]+)\s*=\s*(?<values>.*)$/
/** AOSP takes a line without a leading word as `require`. */
const PLAIN = /^(?:(?<word>require|reject)\s+)?(?<variable>[^\s=]+)\s*=\s*(?<values>.*)$/

/** @throws SlotbenchError `android-info-invalid`, naming the line. */
export function parseAndroidInfo(bytes: Uint8Array): Requirement[] {
  return textLines(bytes, 'android-info-invalid').map(({ number, text }) => {
    const groups = (FOR_PRODUCT.exec(text) ?? PLAIN.exec(text))?.groups
    if (groups === undefined) throw invalid(number, 'is not a requirement')
    const { product, variable = '', values = '', word } = groups
    const anyOf = values.split('|').map((value) => value.trim())
    if (anyOf.some((value) => value === '')) throw invalid(number, 'has an empty value')
    const requirement = { variable, anyOf, reject: word === 'reject' }
    return product === undefined ? requirement : { ...requirement, forProduct: product }
  })
}

/** The products that the set is for; `board` is the older word (AOSP treats it as `product`). */
export function productsOf(requirements: readonly Requirement[]): string[] {
  const named = requirements.filter(
    ({ variable, reject, forProduct }) =>
      (variable === 'product' || variable === 'board') && !reject && forProduct === undefined,
  )
  return [...new Set(named.flatMap(({ anyOf }) => anyOf))]
}

function invalid(line: number, what: string): SlotbenchError {
  return new SlotbenchError('android-info-invalid', `line ${line} of android-info.txt ${what}`)
}
