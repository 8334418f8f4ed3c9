// One set of icons, drawn on a grid of 20 with one pen. Decoration: the words beside them say the same.

const PATHS = {
  bays: 'M3 3h6v6H3zM11 3h6v6h-6zM3 11h6v6H3zM11 11h6v6h-6z',
  session: 'M6 4.5v11l9-5.5z',
  package: 'M10 2.5 17 6v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8',
  history: 'M3.5 10a6.5 6.5 0 1 0 2-4.7M3 3v3h3M10 6.5V10l2.5 2',
  guide: 'M4 3h9a2 2 0 0 1 2 2v12H6a2 2 0 0 1-2-2zM4 15a2 2 0 0 1 2-2h9M7 6.5h5',
  settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M13 4v4M7 12v4',
  ready: 'M4 10.5 8 14.5 16 6',
  done: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM6.5 10.2l2.5 2.5 4.5-5',
  failed: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM7 7l6 6M13 7l-6 6',
  warning: 'M10 3 18 16.5H2zM10 8v4M10 14.2v.3',
  info: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 9v5M10 6.2v.3',
  write: 'M10 3v9M6 8.5l4 4 4-4M3.5 16.5h13',
  verify: 'M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.5 13.5 17 17M6.5 9l2 2 3-3.5',
  restart: 'M16.5 10a6.5 6.5 0 1 1-2-4.7M17 3v3.5h-3.5',
  wait: 'M5 3h10M5 17h10M6 3c0 4 8 5 8 7s-8 3-8 7M14 3c0 4-8 5-8 7s8 3 8 7',
  hands:
    'M7 10V4.5a1.2 1.2 0 0 1 2.4 0V9M9.4 8.5V3.6a1.2 1.2 0 0 1 2.4 0V9M11.8 9V5a1.2 1.2 0 0 1 2.4 0v6.5c0 3.5-1.8 5.5-4.6 5.5-2 0-3-1-4-2.8L4 11.2c-.6-1.2 1-2 1.8-1z',
  locked: 'M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  unlocked: 'M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 5.8-1',
  battery: 'M2.5 6.5h13v7h-13zM15.5 9h2v2h-2M5 9v2M8 9v2M11 9v2',
  slow: 'M3 14a7 7 0 0 1 14 0M10 14 6.5 8.5M10 14.2v-.4',
  cable: 'M7 2.5v4M13 2.5v4M5 6.5h10V10a5 5 0 0 1-10 0zM10 15v3',
  phone: 'M6 2.5h8v15H6zM9 15.2h2',
  plug: 'M4 10h4M12 10h4M8 7h4v6H8z',
  back: 'M12.5 4 6.5 10l6 6',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  search: 'M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4',
  folder: 'M2.5 5h5l1.5 2h8.5v9h-15z',
  file: 'M5 2.5h6l4 4v11H5zM11 2.5v4h4',
  close: 'M5 5l10 10M15 5 5 15',
  trash: 'M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 11h7.6l.7-11',
  download: 'M10 3v9M6 8.5l4 4 4-4M4 16.5h12',
  print: 'M6 7V3h8v4M4 7h12v6H4zM6 12h8v5H6z',
  stop: 'M5 5h10v10H5z',
  add: 'M10 4v12M4 10h12',
  edit: 'M4 16l1-4 8-8 3 3-8 8z',
  read: 'M2.5 10s3-5 7.5-5 7.5 5 7.5 5-3 5-7.5 5-7.5-5-7.5-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  aside: 'M6 4v12M14 4v12',
  question:
    'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM7.8 8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M10 14.2v.2',
  up: 'M10 15V5M5.5 9.5 10 5l4.5 4.5',
  down: 'M10 5v10M5.5 10.5 10 15l4.5-4.5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
