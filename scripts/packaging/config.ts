// How the desktop program is packed: what goes in, for which systems, and which doors of Electron's runtime are shut.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Configuration } from 'electron-builder'
import { namedPackages, withDependencies } from './needed-packages.ts'

export const ROOT = join(import.meta.dirname, '../..')

type Environment = Readonly<Record<string, string | undefined>>

/** Flipped in the runtime's own program file, where a signature then vouches for them (docs/adr/0050). */
export const FUSES = {
  runAsNode: false,
  enableCookieEncryption: true,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  grantFileProtocolExtraPrivileges: false,
} as const

/** Either set lets Apple notarise; electron-builder reads them itself. */
const NOTARISING = [
  ['APPLE_API_KEY', 'APPLE_API_KEY_ID', 'APPLE_API_ISSUER'],
  ['APPLE_ID', 'APPLE_APP_SPECIFIC_PASSWORD', 'APPLE_TEAM_ID'],
] as const

/** Certificates come from the environment as electron-builder has it (`CSC_LINK`, `WIN_CSC_LINK`, …); docs/packaging.md lists all. */
export async function packageConfig(env: Environment): Promise<Configuration> {
  const updates = env['SLOTBENCH_UPDATE_URL']
  return {
    appId: 'org.slotbench.Slotbench',
    productName: 'Slotbench',
    copyright: 'Slotbench authors, Apache-2.0',
    directories: { output: 'dist', buildResources: 'resources/packaging' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: filled in by electron-builder
    artifactName: '${productName}-${version}-${os}-${arch}.${ext}',
    extraMetadata: {
      homepage: env['SLOTBENCH_HOMEPAGE'] ?? 'https://slotbench.invalid',
      author: { name: 'Slotbench' },
    },
    asar: true,
    // Native parts are loaded by the system, which does not look into archives.
    asarUnpack: ['**/*.node'],
    // They are made for every runtime (Node-API) and come ready.
    npmRebuild: false,
    files: [
      ...['out/**', 'package.json', '!**/*.map', '!**/*.test.*', '!**/node_modules/zod/src{,/**}'],
      ...(await unneeded()).map((folder) => `!${folder}{,/**}`),
    ],
    // The rule is also copied by hand (`doctor`), by a path that a shell understands.
    extraResources: [{ from: 'resources/udev', to: 'udev' }],
    electronFuses: FUSES,
    // A release that was meant to be signed must not come out unsigned.
    forceCodeSigning: env['SLOTBENCH_SIGN'] === '1',
    publish: updates === undefined || updates === '' ? null : { provider: 'generic', url: updates },
    win: { target: ['nsis'] },
    nsis: { oneClick: false, allowToChangeInstallationDirectory: true, deleteAppDataOnUninstall: false },
    mac: {
      // Updates are made from the zip.
      target: ['dmg', 'zip'],
      category: 'public.app-category.utilities',
      hardenedRuntime: true,
      entitlements: 'resources/packaging/entitlements.plist',
      entitlementsInherit: 'resources/packaging/entitlements.plist',
      notarize: NOTARISING.some((names) => names.every((name) => (env[name] ?? '') !== '')),
    },
    linux: {
      target: ['AppImage', 'deb'],
      category: 'Utility',
      executableName: 'slotbench',
      maintainer: env['SLOTBENCH_MAINTAINER'] ?? 'Slotbench <slotbench@slotbench.invalid>',
      synopsis: 'A bench for flashing and recovering ZTE terminals over USB',
    },
    // udevd sees by itself that its folder has changed; a terminal has to be plugged in anew.
    deb: {
      fpm: [`${join(ROOT, 'resources/udev/51-slotbench.rules')}=/usr/lib/udev/rules.d/51-slotbench.rules`],
    },
  }
}

/** Dependencies of the command line and of the interface, which is bundled whole, that the desktop program does not load.
 * @throws Error when it loads one that is no dependency and would be left out. */
async function unneeded(): Promise<readonly string[]> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  const needed = withDependencies(ROOT, await namedPackages(join(ROOT, 'out/main')))
  const all = withDependencies(ROOT, Object.keys(manifest.dependencies))
  const lacking = [...needed].filter((folder) => !all.has(folder))
  if (lacking.length > 0) throw new Error(`${lacking.join(', ')}: needed, and not in \`dependencies\``)
  return [...all].filter((folder) => !needed.has(folder)).sort()
}
