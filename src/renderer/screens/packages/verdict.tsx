// What is known of a package: not looked at, being read, proven whole, or bad.
import type { RomView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import type { Tone } from '../../ui/note.tsx'

const LOOKS: Readonly<Record<RomView['state'], { readonly tone: Tone; readonly icon: IconName }>> = {
  opening: { tone: 'work', icon: 'wait' },
  opened: { tone: 'calm', icon: 'question' },
  verifying: { tone: 'work', icon: 'verify' },
  verified: { tone: 'good', icon: 'done' },
  bad: { tone: 'bad', icon: 'failed' },
}

export function Verdict({ rom }: { readonly rom: RomView }) {
  const t = useText()
  const { percent } = useFormats()
  const { tone, icon } = LOOKS[rom.state]
  const { progress } = rom
  const share = progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total
  return (
    <span className="chip" data-tone={tone}>
      <Icon name={icon} />
      {t(`verdict.${rom.state}`)}
      {share !== undefined && ` ${percent(share)}`}
    </span>
  )
}
