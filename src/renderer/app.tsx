// The window's one page: notices about the bench, then its bays.
import type { BenchView, Notice } from '../shared/contract.ts'
import { BayCard } from './bay-card.tsx'
import { useBench } from './bench-store.ts'
import { ProblemNote } from './problem-note.tsx'

export function App() {
  return <BenchPage view={useBench((state) => state.view)} />
}

/** @param props `view` is undefined until the host has spoken. */
export function BenchPage({ view }: { readonly view: BenchView | undefined }) {
  return (
    <main className="page">
      <header className="page-head">
        <h1>Slotbench</h1>
        <p className="quiet" role="status">
          {view === undefined ? 'Looking at the USB ports …' : count(view.bays.length)}
        </p>
      </header>
      {view?.notices.map((notice) => (
        <ProblemNote key={notice.code} problem={notice} />
      ))}
      {view !== undefined && view.bays.length === 0 && <EmptyBench notices={view.notices} />}
      {view !== undefined && view.bays.length > 0 && (
        <ul className="bays" aria-label="Bays">
          {view.bays.map((bay) => (
            <BayCard key={bay.bay} bay={bay} />
          ))}
        </ul>
      )}
    </main>
  )
}

function count(bays: number): string {
  if (bays === 0) return 'No terminal attached'
  return bays === 1 ? '1 terminal attached' : `${bays} terminals attached`
}

function EmptyBench({ notices }: { readonly notices: readonly Notice[] }) {
  // Where USB itself is missing, advice about cables would only mislead.
  if (notices.length > 0) return null
  return (
    <section className="empty" aria-labelledby="empty-title">
      <h2 id="empty-title">Connect a terminal</h2>
      <ol>
        <li>Switch the terminal off.</li>
        <li>
          Hold <kbd>Power</kbd> and <kbd>Volume down</kbd> until it shows its fastboot screen.
        </li>
        <li>Plug it into a port directly on this computer, with a cable that carries data.</li>
      </ol>
      <p className="quiet">
        It appears here by itself. If it does not, try another cable, then another port.
      </p>
    </section>
  )
}
