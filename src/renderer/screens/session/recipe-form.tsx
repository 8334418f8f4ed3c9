// What is chosen before anything is written: the package, how the slots are used, and whether user data goes.
import { type Choice, type RomView, TEXT } from '../../../shared/contract.ts'
import { POLICIES, type Policy } from '../../../shared/plan.ts'
import { useText } from '../../i18n/index.ts'
import { useBench } from '../../state/bench.ts'
import { Choices, Select, Switch, TextField } from '../../ui/controls.tsx'
import { AddPackageButton } from '../packages/add-package.tsx'
import { Verdict } from '../packages/verdict.tsx'

export interface RecipeDraft {
  readonly rom: string | undefined
  readonly choice: Choice
}

export const FIRST_DRAFT: RecipeDraft = { rom: undefined, choice: { policy: 'seamless', wipe: false } }

const NO_ROMS: readonly RomView[] = []
/** Without EDL there is nothing that `rescue` could write through. */
const OFFERED = POLICIES.filter((policy) => policy !== 'rescue')

export function RecipeForm({
  draft,
  onChange,
  session,
}: {
  readonly draft: RecipeDraft
  readonly onChange: (draft: RecipeDraft) => void
  /** For many terminals: nothing that somebody has to weigh for each. */
  readonly session?: boolean
}) {
  const t = useText()
  const roms = useBench(({ bench }) => bench?.roms ?? NO_ROMS)
  const usable = roms.filter(({ state }) => state !== 'bad')
  const chosen = usable.find(({ id }) => id === draft.rom)
  const { policy, wipe, assumedModel, giveUpOtherSlot } = draft.choice
  const change = (choice: Partial<Choice>) => onChange({ ...draft, choice: { ...draft.choice, ...choice } })
  return (
    <div className="stack">
      {usable.length === 0 ? (
        <div className="stack">
          <p>{t('recipe.no-packages')}</p>
          <AddPackageButton />
        </div>
      ) : (
        <div className="row row-end">
          <div className="grow">
            <Select
              label={t('recipe.package')}
              value={chosen?.id ?? ''}
              choices={[
                { value: '', label: t('recipe.choose-package') },
                ...usable.map((rom) => ({ value: rom.id, label: romLabel(rom) })),
              ]}
              onChange={(rom) => onChange({ ...draft, rom: rom === '' ? undefined : rom })}
            />
          </div>
          <AddPackageButton kind="plain" />
        </div>
      )}
      {chosen !== undefined && (
        <p className="row small">
          <Verdict rom={chosen} />
          <span className="quiet">
            {t('recipe.for', { models: chosen.summary?.models.join(', ') || t('packages.for-unknown') })}
          </span>
        </p>
      )}
      <Choices<Policy>
        label={t('recipe.policy')}
        value={policy}
        choices={OFFERED.map((value) => ({ value, label: t(`policy.${value}`) }))}
        onChange={(next) => change({ policy: next })}
      />
      <p className="quiet small">{t(`policy.${policy}.words`)}</p>
      <Switch
        label={t('recipe.wipe')}
        hint={t('recipe.wipe.hint')}
        checked={wipe}
        onChange={(checked) => change({ wipe: checked })}
      />
      <details>
        <summary>{t('recipe.more')}</summary>
        <div className="stack">
          <TextField
            label={t('recipe.vouch')}
            hint={t('recipe.vouch.hint')}
            value={assumedModel ?? ''}
            onChange={(model) => onChange({ ...draft, choice: withModel(draft.choice, model) })}
          />
          {session !== true && (
            <Switch
              label={t('recipe.give-up')}
              hint={t('recipe.give-up.hint')}
              checked={giveUpOtherSlot === true}
              onChange={(checked) => change({ giveUpOtherSlot: checked })}
            />
          )}
        </div>
      </details>
    </div>
  )
}

function withModel({ assumedModel: _, ...choice }: Choice, model: string): Choice {
  return model.trim() === '' ? choice : { ...choice, assumedModel: model.slice(0, TEXT.name) }
}

export function romLabel({ name, summary }: RomView): string {
  return summary?.build === undefined ? name : `${summary.build} (${name})`
}
