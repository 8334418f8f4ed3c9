// The arrows of the house as data, and the check of one file's imports against them (ARCHITECTURE.md shows the drawing).
import { posix } from 'node:path'
import { parseAst } from 'vite'

/** One import that goes against an arrow. Paths are relative to the repository, with forward slashes. */
export interface Violation {
  readonly file: string
  readonly imported: string
  readonly why: string
}

interface Layer {
  readonly folder: string
  /** What it may import of the repository, besides its own folder. */
  readonly sees: readonly string[]
  /** No files, sockets, processes or threads: this layer is pure, or is handed its I/O. */
  readonly pure: boolean
}

const PURE_STACK = [
  'src/shared',
  'src/main/core',
  'src/main/protocols',
  'src/main/terminals',
  'src/main/flash',
]
/** Beside the stack: no terminal is needed to fetch firmware, and none of the stack fetches any. */
const REPOSITORY = 'src/main/repository'
/** Types of the `usb` package: the one part of `io` that lower layers and the simulator may see. */
const USB_TYPES = 'src/main/io/usb/backend.ts'

/** The most specific folder wins, so `hosts/electron` comes before `hosts`. */
const LAYERS: readonly Layer[] = [
  { folder: 'src/shared', sees: [], pure: true },
  { folder: 'src/main/core', sees: PURE_STACK.slice(0, 1), pure: true },
  { folder: 'src/main/protocols', sees: PURE_STACK.slice(0, 2), pure: true },
  { folder: 'src/main/terminals', sees: PURE_STACK.slice(0, 3), pure: true },
  { folder: 'src/main/flash', sees: PURE_STACK.slice(0, 4), pure: true },
  { folder: REPOSITORY, sees: PURE_STACK.slice(0, 2), pure: true },
  { folder: 'src/main/io', sees: [...PURE_STACK, REPOSITORY], pure: false },
  {
    folder: 'src/main/hosts',
    sees: ['src/shared', 'src/main', 'src/simulator', 'package.json'],
    pure: false,
  },
  { folder: 'src/main/index.ts', sees: ['src/shared', 'src/main/hosts'], pure: false },
  { folder: 'src/preload', sees: ['src/shared'], pure: true },
  { folder: 'src/renderer', sees: ['src/shared'], pure: true },
  { folder: 'src/simulator', sees: ['src/shared', 'src/main/core', USB_TYPES], pure: false },
]

/** Node modules that reach outside the process; `node:crypto`, `node:zlib`, `node:path` and the like stay allowed. */
const REACHES_OUT = new Set(
  (
    'child_process cluster dgram dns fs fs/promises http http2 https inspector net os process readline ' +
    'readline/promises repl sqlite tls tty worker_threads'
  ).split(' '),
)

const ELECTRON_PLACES = ['src/main/hosts/electron', 'src/main/index.ts', 'src/preload']
const USB_PLACES = ['src/main/io/usb']

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.endsWith('.test.tsx')

/**
 * Every import of `file` that its layer does not allow. Tests beside their source may import any layer (they compose
 * real parts), but neither Electron nor the USB package.
 * @param file path relative to the repository, with forward slashes
 * @throws SyntaxError when the source does not parse
 */
export function violations(file: string, source: string): readonly Violation[] {
  const found: Violation[] = []
  for (const imported of importsOf(file, source)) {
    const why = imported.startsWith('.') ? forbiddenPath(file, imported) : forbiddenPackage(file, imported)
    if (why !== undefined) found.push({ file, imported, why })
  }
  return found
}

function forbiddenPath(file: string, imported: string): string | undefined {
  const layer = LAYERS.find((l) => within(file, l.folder))
  if (layer === undefined || isTest(file)) return undefined
  const target = posix.join(posix.dirname(file), imported)
  if ([layer.folder, ...layer.sees].some((folder) => within(target, folder))) return undefined
  return `${layer.folder} may only see ${layer.sees.join(', ') || 'itself'}`
}

function forbiddenPackage(file: string, imported: string): string | undefined {
  const name = imported.replace(/^node:/, '')
  const layer = LAYERS.find((l) => within(file, l.folder))
  if (layer === undefined) return undefined
  const placed = (places: readonly string[]): boolean => places.some((place) => within(file, place))
  if (/^electron($|\/|-updater$)/.test(name))
    return placed(ELECTRON_PLACES) ? undefined : `electron is only for ${ELECTRON_PLACES.join(', ')}`
  if (name === 'usb')
    return placed(USB_PLACES) ? undefined : `the USB package is only for ${USB_PLACES.join(', ')}`
  if (isTest(file) || !layer.pure) return undefined
  return REACHES_OUT.has(name) ? `${layer.folder} does no I/O of its own` : undefined
}

type AstNode = { readonly type: string } & Readonly<Record<string, unknown>>
const isNode = (value: unknown): value is AstNode =>
  typeof value === 'object' && value !== null && typeof (value as AstNode)['type'] === 'string'

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

/** What a file calls the functions that `createRequire` gave it. */
const namesOfRequire = (source: string): readonly string[] =>
  [...source.matchAll(/(\w+)\s*=\s*(?:\w+\.)?createRequire\(/g)].map(([, name = '']) => name)

/** `require('x')` or `require.resolve('x')`, by any of its names. */
function isRequire(node: AstNode, names: ReadonlySet<string>): boolean {
  if (node.type !== 'CallExpression' || !isNode(node['callee'])) return false
  const { callee } = node
  const called = callee['name'] ?? (isNode(callee['object']) ? callee['object']['name'] : undefined)
  return typeof called === 'string' && names.has(called)
}

/** Every module a file names: static and dynamic imports, re-exports, `import('x').T`, `require('x')`, and
 * `new URL('x', import.meta.url)`. */
export function importsOf(file: string, source: string): readonly string[] {
  const names: string[] = []
  const requires = new Set(['require', ...namesOfRequire(source)])
  const text = (value: unknown): void => {
    if (isNode(value) && typeof value['value'] === 'string') names.push(value['value'])
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item)
    if (!isNode(value)) return
    if (IMPORTING.has(value.type)) text(value['source'] ?? value['argument'])
    if (value.type === 'NewExpression' && isNode(value['callee']) && value['callee']['name'] === 'URL') {
      const [first, base] = value['arguments'] as readonly unknown[]
      if (base !== undefined) text(first)
    }
    if (isRequire(value, requires)) text((value['arguments'] as readonly unknown[])[0])
    for (const child of Object.values(value)) visit(child)
  }
  visit(parseAst(source, { lang: file.endsWith('.tsx') ? 'tsx' : 'ts', sourceType: 'module' }, file))
  return names
}
