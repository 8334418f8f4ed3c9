// The names of those who work at this bench, and which of them works now.
import { useState } from 'react'
import type { Settings } from '../../../shared/contract.ts'
import { OPERATORS } from '../../../shared/role.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button, IconButton, Select, TextField } from '../../ui/controls.tsx'

export function OperatorsCard({ settings }: { readonly settings: Settings }) {
  const t = useText()
  const [name, setName] = useState('')
  const { operator, operators } = settings
  const wanted = name.trim().slice(0, OPERATORS.longest)
  const full = operators.length >= OPERATORS.most
  const add = (): void => {
    if (wanted === '' || full) return
    setName('')
    void order('settings.set', { operators: [...operators.filter((known) => known !== wanted), wanted] })
  }
  return (
    <section className="card">
      <h2>{t('operators.title')}</h2>
      <p className="quiet">{t('operators.words')}</p>
      {operators.length > 0 && (
        <>
          <Select
            label={t('operators.now')}
            value={operator}
            choices={[
              { value: '', label: t('operators.nobody') },
              ...operators.map((value) => ({ value, label: value })),
            ]}
            onChange={(next) => void order('settings.set', { operator: next })}
          />
          <ul className="bay-order" aria-label={t('operators.title')}>
            {operators.map((known) => (
              <li key={known} className="row">
                <bdi className="grow wrap">{known}</bdi>
                <IconButton
                  icon="trash"
                  label={t('operators.remove', { name: known })}
                  onClick={() =>
                    void order('settings.set', { operators: operators.filter((other) => other !== known) })
                  }
                />
              </li>
            ))}
          </ul>
        </>
      )}
      <form
        className="row row-end"
        onSubmit={(event) => {
          event.preventDefault()
          add()
        }}
      >
        <div className="grow">
          <TextField label={t('operators.name')} value={name} onChange={setName} />
        </div>
        <Button icon="add" disabled={wanted === '' || full} onClick={add}>
          {t('operators.add')}
        </Button>
      </form>
    </section>
  )
}
