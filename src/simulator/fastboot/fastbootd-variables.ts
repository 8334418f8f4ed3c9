// What userspace fastboot answers to `getvar` (AOSP fastboot/device/variables.cpp): no retry counts, and full partition names only.
import { parseSlot, splitSlot } from '../../shared/units.ts'
import { SUPER } from '../super/tables.ts'
import { Refused } from './bootloader.ts'
import type { Fastbootd } from './fastbootd.ts'
import type { FastbootdCommand } from './fastbootd-commands.ts'

interface Variable {
  /** @throws Refused with the words of the FAIL. */
  readonly get: (device: Fastbootd, argument: string | undefined) => Promise<string> | string
  /** The arguments of `getvar all`; without them it is asked bare, and left out when it then fails. */
  readonly all?: (device: Fastbootd) => Promise<readonly string[]>
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no')
const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`
const withSlot = (device: Fastbootd) => device.partitionNames()
const baseNames = async (device: Fastbootd) => [
  ...new Set((await device.partitionNames()).map((name) => splitSlot(name).base)),
]

function needed(argument: string | undefined): string {
  if (argument === undefined) throw new Refused('Missing argument')
  return argument
}

async function slotState({ slots }: Fastbootd, argument: string | undefined) {
  const slot = /^[a-z]$/.test(needed(argument)) ? parseSlot(needed(argument)) : undefined
  if (!slot) throw new Refused('Invalid slot')
  if (!slots) throw new Refused('Device has no slots')
  return (await slots.read())[slot]
}

async function partitionType(device: Fastbootd, argument: string | undefined): Promise<string> {
  const name = needed(argument)
  if (!device.disk.find(name) && !(await device.isLogical(name))) throw new Refused('Invalid partition')
  const { base } = splitSlot(name)
  return device.profile.partitions.find((known) => known.name === base || known.name === name)?.type ?? 'raw'
}

async function partitionSize(device: Fastbootd, argument: string | undefined): Promise<string> {
  const name = needed(argument)
  const partition = await device.open(name)
  if (partition) return hex(partition.size)
  if (await device.isLogical(name)) return '0x0'
  throw new Refused('Could not open partition')
}

async function isLogical(device: Fastbootd, argument: string | undefined): Promise<string> {
  const name = needed(argument)
  if (await device.isLogical(name)) return 'yes'
  if (device.disk.find(name)) return 'no'
  throw new Refused('Partition not found')
}

async function hasSlot(device: Fastbootd, argument: string | undefined): Promise<string> {
  const name = needed(argument)
  const full = device.currentSlot && `${name}_${device.currentSlot}`
  return yesNo(full !== undefined && (!!device.disk.find(full) || (await device.isLogical(full))))
}

async function updateStatus(device: Fastbootd): Promise<string> {
  const status = await device.mergeStatus()
  return status === 'snapshotted' || status === 'merging' ? status : 'none'
}

const VARIABLES: ReadonlyMap<string, Variable> = new Map<string, Variable>([
  ['product', { get: ({ profile }) => profile.product }],
  ['serialno', { get: ({ serial }) => serial ?? '' }],
  ['unlocked', { get: ({ locked }) => yesNo(!locked) }],
  ['max-download-size', { get: ({ settings }) => hex(settings.maxDownload) }],
  ['current-slot', { get: ({ currentSlot }) => currentSlot ?? '' }],
  ['slot-count', { get: ({ slots }) => (slots ? '2' : '0') }],
  ['has-slot', { get: hasSlot, all: baseNames }],
  [
    'slot-successful',
    {
      get: async (device, argument) => {
        const { successful } = await slotState(device, argument)
        return yesNo(device.settings.successfulInverted ? !successful : successful)
      },
    },
  ],
  [
    'slot-unbootable',
    { get: async (device, argument) => yesNo((await slotState(device, argument)).unbootable) },
  ],
  ['partition-size', { get: partitionSize, all: withSlot }],
  ['partition-type', { get: partitionType, all: withSlot }],
  ['is-logical', { get: isLogical, all: withSlot }],
  ['is-userspace', { get: () => 'yes' }],
  ['battery-voltage', { get: ({ battery }) => String(battery.millivolts) }],
  ['battery-soc', { get: ({ battery }) => String(battery.percent) }],
  ['battery-soc-ok', { get: ({ battery }) => yesNo(battery.ok) }],
  ['super-partition-name', { get: () => SUPER }],
  ['snapshot-update-status', { get: updateStatus }],
  ['system-fingerprint', { get: ({ booted }) => booted.build ?? '' }],
  ['vendor-fingerprint', { get: ({ booted }) => booted.build ?? '' }],
  [
    'security-patch-level',
    { get: ({ booted }) => booted.properties.get('com.android.build.system.security_patch') ?? '' },
  ],
  [
    'max-fetch-size',
    {
      get: ({ settings: { maxFetch } }) => {
        if (maxFetch === undefined) throw new Refused('fetch not supported on user builds')
        return hex(maxFetch)
      },
    },
  ],
])

export const getVariable: FastbootdCommand = async ({ device, info }, [name, argument]) => {
  if (name === undefined) throw new Refused('Missing argument')
  if (name === 'all') {
    for await (const line of everything(device)) await info(line)
    return ''
  }
  const constant = device.settings.constants[name]
  if (constant !== undefined) return constant
  const variable = VARIABLES.get(name)
  if (!variable) throw new Refused('Unknown variable')
  return variable.get(device, argument)
}

/** AOSP walks a hash table: the order means nothing. What fails is left out. */
async function* everything(device: Fastbootd): AsyncGenerator<string> {
  for (const [name, value] of Object.entries(device.settings.constants)) yield `${name}:${value}`
  for (const [name, { get, all }] of VARIABLES) {
    const asked = all ? await all(device) : [undefined]
    for (const argument of asked) {
      const value = await valueOrNothing(() => get(device, argument))
      if (value !== undefined) yield [name, ...(argument === undefined ? [] : [argument]), value].join(':')
    }
  }
}

async function valueOrNothing(get: () => Promise<string> | string): Promise<string | undefined> {
  try {
    return await get()
  } catch (thrown) {
    if (thrown instanceof Refused) return undefined
    throw thrown
  }
}
