// The first start: three short steps, each of which can be done later as well.
import { useState } from 'react'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { DoctorCard } from '../settings/doctor-card.tsx'
import { LooksCard } from '../settings/settings.tsx'

const STEPS = 3

export function FirstStart() {
  const t = useText()
  const settings = useBench(({ bench }) => bench?.settings)
  const [step, setStep] = useState(1)
  if (settings === undefined) return null
  const finish = (): void => void order('settings.set', { firstStartDone: true })
  const trySimulated = async (): Promise<void> => {
    await order('simulation.add', { profile: 'nx769j' })
    finish()
  }
  return (
    <main className="first">
      <div className="first-card">
        <p className="quiet small">{t('first.step', { step, steps: STEPS })}</p>
        <h1>{t(step === 1 ? 'first.welcome' : step === 2 ? 'first.usb' : 'first.try')}</h1>
        {step === 1 && (
          <>
            <p>{t('first.promise')}</p>
            <LooksCard settings={settings} />
          </>
        )}
        {step === 2 && <DoctorCard atOnce />}
        {step === 3 && <p>{t('first.try.words')}</p>}
        <div className="row">
          {step > 1 && (
            <Button icon="back" onClick={() => setStep(step - 1)}>
              {t('action.back')}
            </Button>
          )}
          <span className="grow" />
          {step < STEPS && (
            <Button kind="main" onClick={() => setStep(step + 1)}>
              {t('action.next')}
            </Button>
          )}
          {step === STEPS && (
            <>
              <Button icon="phone" onClick={() => void trySimulated()}>
                {t('action.try-simulated')}
              </Button>
              <Button kind="main" icon="ready" onClick={finish}>
                {t('first.begin')}
              </Button>
            </>
          )}
        </div>
      </div>
    </main>
  )
}
