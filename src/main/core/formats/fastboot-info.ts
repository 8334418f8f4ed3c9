// fastboot-info.txt: in which order a fastboot image set is flashed (AOSP fastboot.cpp, ParseFastbootInfo).
import { SlotbenchError } from '../../../shared/errors.ts'
import { textLines } from './text-lines.ts'

export type FastbootTask =
  | {
      readonly kind: 'flash'
      readonly partition: string
      /** `PARTITION.img` when the line names none. */
      readonly file: string
      readonly slotOther: boolean
      readonly applyVbmeta: boolean
    }
  | { readonly kind: 'erase'; readonly partition: string }
  | { readonly kind: 'update-super' }
  | { readonly kind: 'reboot'; readonly target: 'system' | 'bootloader' | 'recovery' | 'fastboot' }

export interface FastbootInfo {
  readonly version: number
  readonly steps: readonly {
    readonly task: FastbootTask
    /** The step only counts when user data is wiped (`if-wipe`). */
    readonly onlyOnWipe: boolean
  }[]
}

/** Versions that AOSP's fastboot reads (FASTBOOT_INFO_VERSION). */
const NEWEST_VERSION = 1
const REBOOT_TARGETS = ['bootloader', 'recovery', 'fastboot'] as const
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/
const FLAGS = ['--slot-other', '--apply-vbmeta']

/** @throws SlotbenchError `fastboot-info-invalid`, naming the line. */
export function parseFastbootInfo(bytes: Uint8Array): FastbootInfo {
  const [first, ...rest] = textLines(bytes, 'fastboot-info-invalid')
  const version = Number(/^version\s+(\d{1,9})$/.exec(first?.text ?? '')?.[1])
  if (!Number.isInteger(version)) throw invalid(first?.number ?? 1, 'does not give the version')
  if (version > NEWEST_VERSION) throw invalid(first?.number ?? 1, `asks for version ${version}`)
  const steps = rest.map(({ number, text }) => {
    const words = text.split(/\s+/)
    const onlyOnWipe = words[0] === 'if-wipe'
    return { task: parseTask(onlyOnWipe ? words.slice(1) : words, number), onlyOnWipe }
  })
  return { version, steps }
}

function parseTask([command, ...words]: readonly string[], line: number): FastbootTask {
  switch (command) {
    case 'flash':
      return parseFlash(words, line)
    case 'erase': {
      const [partition = '', ...surplus] = words
      if (!FILE_NAME.test(partition) || surplus.length > 0) throw invalid(line, 'does not name one partition')
      return { kind: 'erase', partition }
    }
    case 'update-super':
      if (words.length > 0) throw invalid(line, 'has words after update-super')
      return { kind: 'update-super' }
    case 'reboot':
      return parseReboot(words, line)
    default:
      throw invalid(line, 'holds an unknown command')
  }
}

function parseFlash(words: readonly string[], line: number): FastbootTask {
  const flags = words.filter((word) => word.startsWith('--'))
  const [partition = '', file = `${partition}.img`, ...surplus] = words.filter(
    (word) => !word.startsWith('--'),
  )
  if (flags.some((flag) => !FLAGS.includes(flag))) throw invalid(line, 'has an unknown flag')
  if (surplus.length > 0) throw invalid(line, 'has too many words')
  if (!FILE_NAME.test(partition) || !FILE_NAME.test(file))
    throw invalid(line, 'does not name a partition and a file of the set')
  const slotOther = flags.includes('--slot-other')
  return { kind: 'flash', partition, file, slotOther, applyVbmeta: flags.includes('--apply-vbmeta') }
}

function parseReboot(words: readonly string[], line: number): FastbootTask {
  if (words.length === 0) return { kind: 'reboot', target: 'system' }
  const target = REBOOT_TARGETS.find((known) => known === words[0])
  if (target === undefined || words.length > 1) throw invalid(line, 'reboots to nowhere known')
  return { kind: 'reboot', target }
}

function invalid(line: number, what: string): SlotbenchError {
  return new SlotbenchError('fastboot-info-invalid', `line ${line} of fastboot-info.txt ${what}`)
}
