// A terminal with its keys, drawn for the guides: what is held is coloured, and arrows show what moves.
import type { GuideStep } from '../../../shared/guides.ts'

/** Seen from the front: volume keys above the power key on its right side, the port below, as on most ZTE and nubia phones. */
export function PhoneDrawing({ step }: { readonly step: GuideStep }) {
  const has = (key: GuideStep['keys'][number]) => step.keys.includes(key)
  const pressed = step.action === 'hold' || step.action === 'keep' || step.action === 'press'
  const shown = (key: GuideStep['keys'][number]) =>
    has(key) && (pressed || step.action === 'choose') ? 'held' : 'free'
  return (
    <svg className="phone" viewBox="0 0 170 200" aria-hidden="true" focusable="false">
      <rect className="phone-body" x="32" y="10" width="80" height="152" rx="12" />
      <rect className="phone-screen" x="38" y="18" width="68" height="136" rx="6" />
      <Screen step={step} />
      <Key y={42} height={20} state={shown('volume-up')} sign="+" />
      <Key y={66} height={20} state={shown('volume-down')} sign="−" />
      <Key y={98} height={24} state={shown('power')} sign="power" />
      <Cable state={has('cable-in') ? 'in' : has('cable-out') ? 'out' : 'none'} />
      {has('touch') && <circle className="phone-touch" cx="72" cy="100" r="11" />}
    </svg>
  )
}

function Key({
  y,
  height,
  state,
  sign,
}: {
  readonly y: number
  readonly height: number
  readonly state: 'held' | 'free'
  readonly sign: '+' | '−' | 'power'
}) {
  const middle = y + height / 2
  return (
    <g className="phone-key" data-state={state}>
      <rect x={state === 'held' ? 110 : 112} y={y} width="6" height={height} rx="2" />
      {state === 'held' && <path d={`M140 ${middle}h-16m6-6-6 6 6 6`} />}
      {state === 'held' &&
        (sign === 'power' ? (
          <path className="phone-power" d={`M151 ${middle - 7}v7m-4.5-4.5a6.5 6.5 0 1 0 9 0`} />
        ) : (
          <text x="151" y={middle + 7} textAnchor="middle">
            {sign}
          </text>
        ))}
    </g>
  )
}

function Screen({ step }: { readonly step: GuideStep }) {
  switch (step.action) {
    case 'choose':
      return (
        <g>
          <rect className="phone-line" x="46" y="40" width="52" height="6" rx="3" />
          <rect className="phone-chosen" x="44" y="54" width="56" height="12" rx="3" />
          <rect className="phone-line" x="46" y="74" width="46" height="6" rx="3" />
          <rect className="phone-line" x="46" y="88" width="50" height="6" rx="3" />
        </g>
      )
    case 'wait':
    case 'keep':
      return <path className="phone-sign" d="M62 74h20M62 102h20M64 74c0 10 16 14 16 14s-16 4-16 14" />
    case 'release':
      return <path className="phone-sign" d="M60 88l8 8 16-16" />
    case 'hold':
    case 'press':
      return null
  }
}

function Cable({ state }: { readonly state: 'in' | 'out' | 'none' }) {
  if (state === 'none') return <rect className="phone-port" x="64" y="158" width="16" height="5" rx="2" />
  const low = state === 'in' ? 166 : 176
  return (
    <g className="phone-cable" data-state={state}>
      <rect className="phone-plug" x="64" y={low} width="16" height="10" rx="2" />
      <path d={`M72 ${low + 10}v14`} />
      <path d={state === 'in' ? 'M90 188v-14m-5 5 5-5 5 5' : 'M90 172v14m-5-5 5 5 5-5'} />
    </g>
  )
}
