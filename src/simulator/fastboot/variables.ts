// What the bootloader answers to `getvar`: only the variables its profile has, spelled as the profile spells them.
import { parseSlot, SLOTS } from '../../shared/units.ts'
import {
  type Bootloader,
  type CommandContext,
  partitionProfile,
  Refused,
  targetPartition,
} from './bootloader.ts'

type Reader = (bootloader: Bootloader, argument: string) => Promise<string> | string

const yesNo = (value: boolean): string => (value ? 'yes' : 'no')
const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`

/** Variables that are computed; names that take an argument end with a colon. */
const READERS: Readonly<Record<string, Reader>> = {
  product: ({ profile }) => profile.product,
  serialno: ({ serial }) => serial ?? '',
  unlocked: ({ disk }) => yesNo(disk.storage.state.unlocked),
  'max-download-size': ({ profile: { fastboot } }) =>
    fastboot.maxDownloadAs === 'hex' ? hex(fastboot.maxDownload) : String(fastboot.maxDownload),
  'max-fetch-size': ({ profile }) => hex(profile.fastboot.maxFetch ?? 0),
  'slot-count': ({ slots }) => (slots ? '2' : '0'),
  'current-slot': async ({ slots, profile }) => {
    if (!slots) return ''
    const { active } = await slots.read()
    return profile.fastboot.slotAs === '_a' ? `_${active}` : active
  },
  'battery-voltage': ({ battery }) => String(battery.millivolts),
  'battery-soc': ({ battery }) => String(battery.percent),
  'battery-soc-ok': ({ battery }) => yesNo(battery.ok),
  'has-slot:': (bootloader, name) => {
    // What lies in super, the bootloader does not know.
    const found = bootloader.profile.partitions.find((known) => known.name === name && !known.logical)
    if (!found && !bootloader.disk.find(name)) throw new Refused('no such partition')
    return yesNo(found?.slotted ?? false)
  },
  'partition-size:': async (bootloader, name) => hex((await targetPartition(bootloader, name)).size),
  'partition-type:': async (bootloader, name) => {
    const { name: fullName } = await targetPartition(bootloader, name)
    return partitionProfile(bootloader, fullName)?.type ?? 'raw'
  },
  'slot-successful:': async (bootloader, slot) => yesNo((await slotState(bootloader, slot)).successful),
  'slot-unbootable:': async (bootloader, slot) => yesNo((await slotState(bootloader, slot)).unbootable),
  'slot-retry-count:': async (bootloader, slot) => String((await slotState(bootloader, slot)).retryCount),
}

async function slotState({ slots }: Bootloader, text: string) {
  const slot = parseSlot(text)
  if (!slots || !slot) throw new Refused('no such slot')
  return (await slots.read())[slot]
}

/** @throws Refused when the variable is unknown and this bootloader says so. */
export async function readVariable(bootloader: Bootloader, name: string): Promise<string> {
  const { fastboot } = bootloader.profile
  const colon = name.indexOf(':') + 1
  const key = colon > 0 ? name.slice(0, colon) : name
  const unknown = (): string => {
    if (fastboot.unknownVariable === 'empty') return ''
    throw new Refused('GetVar Variable Not found')
  }
  if (!fastboot.variables.includes(key)) return unknown()
  const constant = fastboot.constants[name]
  if (constant !== undefined) return constant
  const reader = READERS[key]
  return reader ? reader(bootloader, name.slice(key.length)) : unknown()
}

/** `getvar all`: one INFO for each variable and each of its slots or partitions. */
export async function listVariables({ bootloader, info }: CommandContext): Promise<void> {
  const { fastboot } = bootloader.profile
  if (fastboot.getvarAll === 'empty') return
  for (const key of fastboot.variables) {
    for (const argument of argumentsOf(bootloader, key)) {
      // Qualcomm's bootloader puts a blank after the name of per-partition values.
      const gap = key.startsWith('partition-') ? ': ' : ':'
      await info(`${key}${argument}${gap}${await readVariable(bootloader, `${key}${argument}`)}`)
    }
  }
}

function argumentsOf({ profile, slots, disk }: Bootloader, key: string): readonly string[] {
  if (!key.endsWith(':')) return ['']
  if (key === 'has-slot:') return profile.partitions.flatMap(({ name, logical }) => (logical ? [] : name))
  if (key.startsWith('slot-')) return slots ? SLOTS : []
  return Array.from(disk.partitions, ({ name }) => name)
}
