// The host's side of the USB test (`npm run test:usb`): builds the guest, runs `inside.ts` in it, and gives the tally.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TALLY_FILE, type Tally } from '../../scripts/tally-reporter.ts'
import { findTool } from '../tools.ts'
import { runInGuest } from './guest.ts'
import { buildGuest, guestObstacle } from './image.ts'
import { makeRoms } from './roms.ts'
import {
  CHECKS_FILE,
  CHOSEN_GROUPS,
  type Check,
  GROUPS,
  type Group,
  NODE_FLAGS,
  RACE,
  ROM_FOLDER,
} from './setup.ts'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'test/.cache/usb-guest')
/** A run takes two minutes on a quiet machine with two cores. */
const LIMIT_MS = 900_000
const MEMORY_MB = 3072

function obstacle(): string | undefined {
  const missing = ['fastboot', 'img2simg', 'qdl', 'sgdisk', 'losetup'].filter(
    (name) => findTool(name) === undefined,
  )
  return missing.length > 0 ? `${missing.join(', ')} not installed` : guestObstacle()
}

/** Named on the command line, or all but the race. */
const chosen = ([...GROUPS, RACE] as const).filter((group) => process.argv.slice(2).includes(group))
const groups: readonly Group[] = chosen.length > 0 ? chosen : GROUPS

async function testInGuest(): Promise<Tally> {
  const work = mkdtempSync(join(tmpdir(), 'slotbench-usb-'))
  const [roms, shared] = [join(work, 'roms'), join(work, 'shared')]
  // Also when the run is stopped: 'exit' handlers end the guest and remove its files.
  process.once('exit', () => rmSync(work, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))
  for (const folder of [roms, shared]) mkdirSync(folder)
  const image = buildGuest(CACHE)
  await makeRoms(roms, groups)
  const result = await runInGuest(image, {
    shared,
    command: [process.execPath, ...NODE_FLAGS, join(ROOT, 'test/usb-guest/inside.ts')],
    // Compiling is the slow part under emulation, and each start of the command line would do it anew.
    env: { [ROM_FOLDER]: roms, [CHOSEN_GROUPS]: groups.join(' '), NODE_COMPILE_CACHE: '/run/compile-cache' },
    memoryMb: MEMORY_MB,
    timeoutMs: LIMIT_MS,
  })
  const checksFile = join(shared, CHECKS_FILE)
  const checks: readonly Check[] = existsSync(checksFile) ? JSON.parse(readFileSync(checksFile, 'utf8')) : []
  const failed = checks.filter(({ failure }) => failure !== undefined).length
  if (result.status !== 0)
    console.error(`The guest ended with ${result.status ?? 'no status'}; its console:\n${result.console}`)
  const broken = result.status === 0 && checks.length > 0 ? 0 : 1
  return { passed: checks.length - failed, failed: failed + broken, skipped: [] }
}

const reason = obstacle()
const inCi = Boolean(process.env['CI'])
if (reason !== undefined) console.error(`USB guest ${inCi ? 'cannot run' : 'skipped'}: ${reason}`)
const tally: Tally =
  reason === undefined
    ? await testInGuest()
    : { passed: 0, failed: inCi ? 1 : 0, skipped: inCi ? [] : [`USB guest: ${reason}`] }
const tallyFile = process.env[TALLY_FILE]
if (tallyFile !== undefined) writeFileSync(tallyFile, JSON.stringify(tally))
console.log(`USB guest: ${tally.passed} passed, ${tally.failed} failed`)
process.exitCode = tally.failed > 0 ? 1 : 0
