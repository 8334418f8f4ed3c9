// Model codes of ZTE and nubia in texts that only happen to hold them, such as the name of a folder.
import { recognise } from './same-product.ts'

/** What the codes look like (zte-domain §1.2, §1.6): NX769J, NP05J, PQ83A01, P855A01, A2020G, MC801A1, MF289F, MU5250. A shape, not a
 * list: new ones keep to it. */
const SHAPE =
  /^(?:NX\d{3}[A-Z]|NP\d{2}[A-Z]|PQ\d{2}[A-Z]\d{2}|P\d{3}[A-Z]\d{2}|A20\d{2}[A-Z]?|M[CFU]\d{3,4}[A-Z]?\d?)$/i

/** Each code once, in the order in which they stand in the text. */
export function productCodes(text: string): readonly string[] {
  const words = [text.trim(), ...text.split(/[^A-Za-z0-9]+/)]
  return [...new Set(words.filter((word) => SHAPE.test(word) || recognise([word]) !== undefined))]
}
