// The frame: which screen is shown, in which language and colours, and what is said when the bench is lost.
import { DirectionProvider } from '@radix-ui/react-direction'
import { useEffect, useRef } from 'react'
import { Announcer } from './announcer.tsx'
import { desktop } from './host-port.ts'
import { chooseLanguage, useLocale, useText } from './i18n/index.ts'
import { Messages } from './messages-view.tsx'
import { Rail } from './rail.tsx'
import { FirstStart } from './screens/first-start/first-start.tsx'
import { Guides } from './screens/guides/guides.tsx'
import { History } from './screens/history/history.tsx'
import { Packages } from './screens/packages/packages.tsx'
import { SessionScreen } from './screens/session/session.tsx'
import { SettingsScreen } from './screens/settings/settings.tsx'
import { UnlockDialog } from './screens/supervisor/unlock-dialog.tsx'
import { TerminalPage } from './screens/terminal/terminal-page.tsx'
import { Wall } from './screens/wall/wall.tsx'
import { useShortcuts } from './shortcuts.ts'
import { useBench } from './state/bench.ts'
import { go, type Screen, usePlace } from './state/place.ts'
import { StatusBar } from './status-bar.tsx'
import { useTheme } from './theme.ts'

export function App() {
  const known = useBench(({ bench }) => bench !== undefined)
  const first = useBench(({ bench }) => bench?.settings.firstStartDone === false)
  const language = useBench(({ bench }) => bench?.settings.language)
  const locale = useLocale()
  useTheme()
  useShortcuts()
  useDesktopMenu()
  useEffect(() => {
    if (language !== undefined) void chooseLanguage(language)
  }, [language])
  return (
    <DirectionProvider dir={locale === 'ar' ? 'rtl' : 'ltr'}>
      <ConnectionLost />
      {!known ? <Connecting /> : first ? <FirstStart /> : <Frame />}
      <UnlockDialog />
      <Messages />
      <Announcer />
    </DirectionProvider>
  )
}

function Frame() {
  const { screen, item } = usePlace()
  const main = useRef<HTMLElement>(null)
  const shown = useRef('')
  const place = `${screen} ${item ?? ''}`
  // Whoever listens to the page learns of the new screen, and the keyboard goes on from there.
  useEffect(() => {
    if (shown.current !== '' && shown.current !== place) main.current?.focus()
    shown.current = place
  }, [place])
  return (
    <div className="shell">
      <Rail />
      <StatusBar />
      <main className="main" ref={main} tabIndex={-1}>
        <ScreenOf screen={screen} item={item} />
      </main>
    </div>
  )
}

function ScreenOf({ screen, item }: { readonly screen: Screen; readonly item: string | undefined }) {
  switch (screen) {
    case 'bay':
      return item === undefined ? <Wall /> : <TerminalPage key={item} id={item} />
    case 'session':
      return <SessionScreen />
    case 'packages':
      return <Packages />
    case 'history':
      return <History job={item} />
    case 'guides':
      return <Guides item={item} />
    case 'settings':
      return <SettingsScreen />
    case 'bays':
      return <Wall />
  }
}

function Connecting() {
  const t = useText()
  return (
    <main className="screen">
      <p role="status">{t('app.connecting')}</p>
    </main>
  )
}

function ConnectionLost() {
  const t = useText()
  const lost = useBench(({ bench, connected }) => bench !== undefined && !connected)
  return lost ? (
    <div className="lost" role="alert">
      {t('app.lost')}
    </div>
  ) : null
}

/** The window's own menu leads to the same screens. */
function useDesktopMenu(): void {
  useEffect(
    () =>
      desktop?.onMenu((action) => {
        if (action === 'wall') go('bays')
        else go(action === 'open-package' ? 'packages' : action)
      }),
    [],
  )
}
