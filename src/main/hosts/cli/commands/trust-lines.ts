// A verdict in lines for people.
import type { Signer, TrustReason, TrustVerdict } from '../../../../shared/trust.ts'
import type { Output } from '../output.ts'

const COLOURS = { genuine: 'green', intact: 'yellow', broken: 'red' } as const
const MARKS = {
  holds: ['green', '✓'],
  weak: ['yellow', '!'],
  'not-checked': ['yellow', '?'],
  absent: ['gray', '–'],
  alarming: ['red', '!'],
  broken: ['red', '✗'],
} as const

export function showVerdict(output: Output, { verdict, summary, reasons }: TrustVerdict): void {
  output.line(`Trust           ${output.style([COLOURS[verdict], 'bold'], verdict)}`)
  output.line(`  ${summary}`)
  for (const reason of reasons) {
    const [colour, mark] = MARKS[reason.result]
    output.line(`  ${output.style(colour, mark)} ${reasonText(reason)}`)
  }
}

function reasonText({ text, signer, vouchesFor }: TrustReason): string {
  const by = signer === undefined ? '' : ` By ${signerText(signer)}.`
  return `${text}${by}${vouchesFor === undefined ? '' : ` Vouches for ${vouchesFor}.`}`
}

function signerText({ trusted, subject, fingerprint }: Signer): string {
  const key = `sha256 ${fingerprint.slice(0, 16)}…`
  if (trusted !== undefined) return `${trusted} (trusted, ${key})`
  return `${subject ?? 'a key'} (not trusted here, ${key})`
}
