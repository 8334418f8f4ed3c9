// The library: every package on the bench, what it is, and whether it is whole; what repositories offer; and what was fetched.
import * as Tabs from '@radix-ui/react-tabs'
import { useState } from 'react'
import type { RomView } from '../../../shared/contract.ts'
import { formatDay } from '../../../shared/format.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { FactList } from '../../ui/fact-list.tsx'
import { Icon } from '../../ui/icon.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { CacheTab } from '../firmware/cache-tab.tsx'
import { RepositoryTab } from '../firmware/repository-tab.tsx'
import { AddPackageButton, DropZone } from './add-package.tsx'
import { PackageDetails } from './package-details.tsx'
import { TrustNote, Verdict } from './verdict.tsx'

const NO_ROMS: readonly RomView[] = []

const TABS = ['local', 'repository', 'cache'] as const

export function Packages({ tab }: { readonly tab: string | undefined }) {
  const t = useText()
  const shown = TABS.find((known) => known === tab) ?? 'local'
  return (
    <div className="screen">
      <div className="screen-head">
        <h1 className="grow">{t('nav.packages')}</h1>
        <AddPackageButton />
      </div>
      <Tabs.Root className="stack" value={shown} onValueChange={(value) => go('packages', value)}>
        <Tabs.List className="tabs" aria-label={t('nav.packages')}>
          {TABS.map((value) => (
            <Tabs.Trigger key={value} className="tab" value={value}>
              {t(`library.${value}`)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="local">
          <LocalPackages />
        </Tabs.Content>
        <Tabs.Content value="repository">
          <RepositoryTab />
        </Tabs.Content>
        <Tabs.Content value="cache">
          <CacheTab />
        </Tabs.Content>
      </Tabs.Root>
    </div>
  )
}

function LocalPackages() {
  const t = useText()
  const roms = useBench(({ bench }) => bench?.roms ?? NO_ROMS)
  return (
    <DropZone>
      {roms.length === 0 ? (
        <div className="empty">
          <Icon name="package" />
          <h2>{t('packages.empty.title')}</h2>
          <p className="quiet">{t('packages.empty.words')}</p>
        </div>
      ) : (
        <ul className="stack" aria-label={t('nav.packages')}>
          {roms.map((rom) => (
            <PackageCard key={rom.id} rom={rom} />
          ))}
        </ul>
      )}
    </DropZone>
  )
}

function PackageCard({ rom }: { readonly rom: RomView }) {
  const t = useText()
  const [info, setInfo] = useState<RomInfo>()
  const { summary, progress } = rom
  const busy = rom.state === 'opening' || rom.state === 'verifying'
  const details = async (): Promise<void> => {
    if (info !== undefined) setInfo(undefined)
    else setInfo((await order('rom.detail', { rom: rom.id }))?.info)
  }
  return (
    <li className="card package">
      <div className="card-head">
        <h2 className="wrap">
          <bdi>{summary?.build ?? rom.name}</bdi>
        </h2>
        <Verdict rom={rom} />
      </div>
      <p className="quiet small mono wrap">
        <bdi>{rom.path}</bdi>
      </p>
      {progress !== undefined && (
        <div data-tone="work">
          <ProgressBar
            share={progress.total === 0 ? 0 : progress.done / progress.total}
            label={t('verdict.verifying')}
          />
        </div>
      )}
      {rom.problem !== undefined && <ProblemNote problem={rom.problem} />}
      {summary?.trust !== undefined && rom.state === 'verified' && <TrustNote trust={summary.trust} />}
      {summary !== undefined && <Summary rom={rom} />}
      <div className="row">
        <Button icon="verify" disabled={busy} onClick={() => void order('rom.verify', { rom: rom.id })}>
          {t(rom.state === 'verified' ? 'packages.verify-again' : 'packages.verify')}
        </Button>
        {summary !== undefined && (
          <Button icon="read" onClick={() => void details()}>
            {t(info === undefined ? 'packages.details' : 'packages.details-hide')}
          </Button>
        )}
        <Button
          kind="quiet"
          icon="trash"
          disabled={busy}
          onClick={() => void order('rom.remove', { rom: rom.id })}
        >
          {t('packages.remove')}
        </Button>
      </div>
      {info !== undefined && <PackageDetails info={info} />}
    </li>
  )
}

function Summary({ rom }: { readonly rom: RomView }) {
  const t = useText()
  const { bytes, number } = useFormats()
  const { summary } = rom
  if (summary === undefined) return null
  const { coverage } = summary
  const slots =
    coverage.a + coverage.b === 0
      ? t('packages.any-slot')
      : t('packages.slots', { any: coverage.any, a: coverage.a, b: coverage.b })
  const facts = [
    [t('packages.for'), summary.models.join(', ') || t('packages.for-unknown')],
    [t('packages.kind'), t(summary.full ? 'packages.full' : 'packages.delta')],
    [t('packages.format'), t(`format.${summary.kind}`)],
    [t('packages.patch'), summary.securityPatch],
    [t('packages.date'), summary.timestamp ? formatDay(summary.timestamp) : undefined],
    [t('packages.size'), summary.packageSize > 0 ? bytes(summary.packageSize) : undefined],
    [t('packages.images'), `${number(summary.images)}, ${bytes(summary.imageBytes)}`],
    [t('packages.coverage'), slots],
  ] as const
  return (
    <>
      <FactList facts={facts} />
      {summary.notes.length > 0 && (
        <ul className="notes small quiet">
          {summary.notes.map((note) => (
            <li key={note}>
              <bdi>{note}</bdi>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
