// The log of a bay: only the lines in sight are drawn, however many there are; searched as it is typed.
import { useVirtualizer } from '@tanstack/react-virtual'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { LOG_LEVELS, type LogLevel, type LogLine } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useScreenKey } from '../../shortcuts.ts'
import { ask, useBench } from '../../state/bench.ts'
import { Button, Select } from '../../ui/controls.tsx'
import { Icon, type IconName } from '../../ui/icon.tsx'
import type { Tone } from '../../ui/note.tsx'
import { logWords } from './log-words.ts'

const LINE_HEIGHT = 26
const PAGE = 500
/** Older lines that a view holds beside the live ones. */
const MOST_OLDER = 20_000
const NO_LINES: readonly LogLine[] = []
const LOOKS: Readonly<Record<LogLevel, { readonly tone: Tone; readonly icon: IconName }>> = {
  info: { tone: 'calm', icon: 'info' },
  good: { tone: 'good', icon: 'done' },
  warning: { tone: 'warn', icon: 'warning' },
  error: { tone: 'bad', icon: 'failed' },
}

export function LogView({ bay }: { readonly bay: string }) {
  const t = useText()
  const { lines, more, loadOlder } = useLines(bay)
  const [query, setQuery] = useState('')
  const [level, setLevel] = useState<LogLevel | ''>('')
  const search = useRef<HTMLInputElement>(null)
  useScreenKey(
    'search',
    useCallback(() => search.current?.focus(), []),
  )
  const formats = useFormats()
  const shown = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    return lines
      .filter((line) => level === '' || line.level === level)
      .map((line) => ({ line, words: logWords(line.event, t, formats) }))
      .filter(({ words }) => wanted === '' || words.toLowerCase().includes(wanted))
  }, [lines, query, level, t, formats])
  return (
    <div className="log">
      <div className="row row-end">
        <div className="field grow">
          <label htmlFor="log-search">{t('log.search')}</label>
          <input
            id="log-search"
            ref={search}
            className="input"
            type="search"
            value={query}
            onChange={({ target }) => setQuery(target.value)}
          />
        </div>
        <Select<LogLevel>
          label={t('log.level')}
          value={level}
          choices={[
            { value: '', label: t('log.all') },
            ...LOG_LEVELS.map((value) => ({ value, label: t(`log.level.${value}`) })),
          ]}
          onChange={setLevel}
        />
        {more && (
          <Button size="small" icon="up" onClick={loadOlder}>
            {t('log.older')}
          </Button>
        )}
      </div>
      <Lines shown={shown} />
    </div>
  )
}

function Lines({ shown }: { readonly shown: readonly { readonly line: LogLine; readonly words: string }[] }) {
  const t = useText()
  const { timeOfDay } = useFormats()
  const frame = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 12,
  })
  useEffect(() => {
    // Follows what happens, unless somebody has scrolled up to read.
    if (atEnd.current && shown.length > 0) rows.scrollToIndex(shown.length - 1, { align: 'end' })
  }, [rows, shown.length])
  return (
    <section
      ref={frame}
      className="log-frame"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      tabIndex={0}
      aria-label={t('side.log')}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 2 * LINE_HEIGHT
      }}
    >
      {shown.length === 0 && <p className="quiet">{t('log.empty')}</p>}
      <div className="log-lines" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const item = shown[index]
          if (item === undefined) return null
          const { tone, icon } = LOOKS[item.line.level]
          return (
            <div
              key={item.line.n}
              className="log-line"
              data-tone={tone}
              style={{ transform: `translateY(${start}px)` }}
            >
              <time className="quiet" dateTime={item.line.at}>
                {timeOfDay(item.line.at)}
              </time>
              <Icon name={icon} />
              <span className="unseen">{t(`log.level.${item.line.level}`)}</span>
              <bdi className="clip" title={item.words}>
                {item.words}
              </bdi>
            </div>
          )
        })}
      </div>
    </section>
  )
}

/** The live lines of this bay, and the older ones that were asked for. */
function useLines(bay: string) {
  const live = useBench(({ bench }) => bench?.log ?? NO_LINES)
  const [older, setOlder] = useState<readonly LogLine[]>(NO_LINES)
  const [more, setMore] = useState(true)
  const load = useCallback(
    async (before?: number) => {
      const page = await ask('log.read', { bay, limit: PAGE, ...(before !== undefined && { before }) })
      setOlder((old) => (old.length >= MOST_OLDER ? old : [...page.lines, ...old]))
      setMore(page.more)
    },
    [bay],
  )
  useEffect(() => {
    // What it cannot tell now it tells when it is opened again.
    load().catch(() => setMore(false))
  }, [load])
  const lines = useMemo(() => {
    const last = older.at(-1)?.n ?? 0
    return [...older, ...live.filter((line) => line.bay === bay && line.n > last)]
  }, [older, live, bay])
  const first = lines[0]?.n
  return { lines, more: more && older.length < MOST_OLDER, loadOlder: () => void load(first).catch(() => {}) }
}
