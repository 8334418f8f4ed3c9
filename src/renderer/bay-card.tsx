// One bay: which port, what stands on it, how it is linked, and what keeps it from being used.
import type { BayView } from '../shared/contract.ts'
import { ProblemNote } from './problem-note.tsx'
import { MODE_WORDS, PROTOCOL_WORDS, speedWords, usbId } from './words.ts'

export function BayCard({ bay }: { readonly bay: BayView }) {
  const { link, known, personality } = bay
  return (
    <li className="bay">
      <div className="bay-head">
        <span className="bay-id">{bay.bay}</span>
        <span className="mode" data-mode={bay.mode}>
          {MODE_WORDS[bay.mode]}
        </span>
      </div>
      <h2 className="bay-product">{known?.names[0] ?? bay.product ?? 'Unnamed terminal'}</h2>
      <dl className="facts">
        <Fact name="Serial" value={bay.serial ?? 'not told'} />
        {known?.serial !== undefined && bay.serial === undefined && (
          <Fact name="Known as" value={known.serial} />
        )}
        {bay.protocol !== undefined && <Fact name="Speaks" value={PROTOCOL_WORDS[bay.protocol]} />}
        <Fact name="Link" value={link === undefined ? 'Network' : speedWords(link.speed)} />
        {link !== undefined && <Fact name="USB id" value={usbId(link.vendorId, link.productId)} />}
      </dl>
      {known !== undefined && bay.serial === undefined && (
        <p className="quiet">
          Known because {known.why}. {known.caution}
        </p>
      )}
      {personality !== undefined && bay.protocol === undefined && (
        <p className="quiet">
          {personality.name}: {personality.explanation}
        </p>
      )}
      {bay.problem !== undefined && <ProblemNote problem={bay.problem} />}
    </li>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
