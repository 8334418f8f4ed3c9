// The way from screen to screen.
import { useText } from './i18n/index.ts'
import { type Screen, usePlace } from './state/place.ts'
import { Icon, type IconName } from './ui/icon.tsx'

const ITEMS = [
  { screen: 'bays', icon: 'bays' },
  { screen: 'session', icon: 'session' },
  { screen: 'packages', icon: 'package' },
  { screen: 'history', icon: 'history' },
  { screen: 'guides', icon: 'guide' },
  { screen: 'settings', icon: 'settings' },
] as const satisfies readonly { readonly screen: Screen; readonly icon: IconName }[]

export function Rail() {
  const t = useText()
  const { screen } = usePlace()
  return (
    <nav className="rail" aria-label={t('nav.label')}>
      <span className="rail-mark">
        <Mark />
      </span>
      {ITEMS.map((item) => {
        const current = item.screen === screen || (item.screen === 'bays' && screen === 'bay')
        return (
          <a
            key={item.screen}
            className="rail-item"
            href={`#/${item.screen}`}
            {...(current && { 'aria-current': 'page' as const })}
          >
            <Icon name={item.icon} />
            {t(`nav.${item.screen}`)}
          </a>
        )
      })}
    </nav>
  )
}

/** Two slots, one of them filled. */
function Mark() {
  return (
    <svg viewBox="0 0 34 34" aria-hidden="true" focusable="false">
      <rect x="4" y="3" width="11" height="28" rx="3" fill="currentColor" />
      <rect x="20" y="4" width="9" height="26" rx="2.4" fill="none" stroke="currentColor" strokeWidth="2" />
      <path
        d="M7 9l2.5 2.5L13 7.5"
        fill="none"
        stroke="var(--surface)"
        strokeWidth="2"
        strokeLinecap="round"
      />
      <path
        d="M24.5 24v-9m-3 3 3-3.2 3 3.2"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
      />
    </svg>
  )
}
