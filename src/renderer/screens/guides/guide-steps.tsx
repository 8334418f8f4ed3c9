// The steps of a guide: what hands do, with a drawing, seconds that count, and what the screen shows.
import { useEffect, useState } from 'react'
import type { Guide, GuideStep } from '../../../shared/guides.ts'
import { clock } from '../../i18n/format.ts'
import { translated, useText } from '../../i18n/index.ts'
import { Button } from '../../ui/controls.tsx'
import { PhoneDrawing } from './phone-drawing.tsx'

export function GuideSteps({ guide }: { readonly guide: Guide }) {
  const t = useText()
  return (
    <>
      <ol className="guide-steps">
        {guide.steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the steps of a guide never move
          <li key={index} className="guide-step">
            <PhoneDrawing step={step} />
            <p>
              <strong>{index + 1}.</strong> {translated(`guide.${guide.id}.step.${index}`, step.words)}
            </p>
            {step.keys.length > 0 && (
              <p className="row">
                {step.keys.map((key) => (
                  <kbd key={key}>{t(`key.${key}`)}</kbd>
                ))}
              </p>
            )}
            {step.seconds !== undefined && <Countdown step={step} seconds={step.seconds} />}
            {step.screen !== undefined && (
              <p className="quiet small">{t('guide.screen', { screen: step.screen })}</p>
            )}
          </li>
        ))}
      </ol>
      <p>
        <strong>{t('guide.done-when')}</strong> {translated(`guide.${guide.id}.success`, guide.success)}
      </p>
      {guide.caveats.length > 0 && (
        <ul className="notes small quiet">
          {guide.caveats.map((caveat) => (
            <li key={caveat}>{caveat}</li>
          ))}
        </ul>
      )}
    </>
  )
}

/** Seconds to hold, counted aloud for the eyes: hands are not free for a watch. */
function Countdown({ seconds }: { readonly step: GuideStep; readonly seconds: number }) {
  const t = useText()
  const [left, setLeft] = useState<number>()
  useEffect(() => {
    if (left === undefined || left <= 0) return
    const timer = setTimeout(() => setLeft(left - 1), 1_000)
    return () => clearTimeout(timer)
  }, [left])
  return (
    <div className="row">
      <Button size="small" icon="wait" onClick={() => setLeft(seconds)}>
        {t('guide.count', { count: seconds })}
      </Button>
      {left !== undefined && (
        <strong className="countdown" role="timer">
          {left === 0 ? t('guide.now') : clock(left)}
        </strong>
      )}
    </div>
  )
}
