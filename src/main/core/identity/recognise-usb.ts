// What a USB device is: by its interface classes first, by its ids where the classes say nothing, by its maker at last.
import type { Recognised } from '../../../shared/recognised.ts'
import { PERSONALITIES, type Personality } from './usb-personalities.ts'

export interface UsbClasses {
  readonly interfaceClass: number
  readonly interfaceSubclass: number
  readonly interfaceProtocol: number
}

/** What a device shows before it is opened. */
export interface UsbFace {
  readonly vendorId: number
  readonly productId: number
  /** One entry for every alternate of every interface; undefined when they could not be read. */
  readonly interfaces: readonly UsbClasses[] | undefined
}

/** Makers whose devices are reported even when nothing else is known of them. */
const MAKERS: ReadonlyMap<number, string> = new Map([
  [0x19d2, 'ZTE'],
  [0x18d1, 'Google'],
  [0x05c6, 'Qualcomm'],
  [0x1782, 'Unisoc'],
  [0x0e8d, 'MediaTek'],
])
const ZTE = 0x19d2

const BY_ID: ReadonlyMap<string, Personality> = new Map(
  PERSONALITIES.flatMap((personality) => personality.usb.map((id) => [id, personality] as const)),
)

const isAdb = (c: UsbClasses) => matches(c, 0xff, 0x42, 0x01)
const isFastboot = (c: UsbClasses) => matches(c, 0xff, 0x42, 0x03)
/** Still image class: MTP and PTP (USB-IF class codes). Only a running system offers it. */
const isMtp = (c: UsbClasses) => c.interfaceClass === 0x06
const isStorage = (c: UsbClasses) => c.interfaceClass === 0x08
/** CDC, CDC data, wireless controller (RNDIS). */
const isNetwork = (c: UsbClasses) => [0x02, 0x0a, 0xe0].includes(c.interfaceClass)

/** Undefined for what is no terminal (hubs, keyboards). Never throws, whatever the device says of itself. */
export function recogniseUsb(face: UsbFace): Recognised | undefined {
  const { interfaces } = face
  const known = BY_ID.get(usbId(face))
  if (interfaces?.some(isFastboot)) return FASTBOOT
  if (interfaces?.some(isAdb)) return withAdb(known)
  if (known !== undefined) return byId(known, face)
  const maker = MAKERS.get(face.vendorId)
  if (maker === undefined) return undefined
  if (interfaces === undefined) return unreadable(maker)
  return face.vendorId === ZTE ? unlistedZte(interfaces) : byClass(maker, interfaces)
}

/** `05c6:9008`. */
export function usbId({ vendorId, productId }: Pick<UsbFace, 'vendorId' | 'productId'>): string {
  return `${hex4(vendorId)}:${hex4(productId)}`
}

const FASTBOOT: Recognised = {
  id: 'fastboot',
  mode: 'bootloader',
  name: 'Fastboot',
  explanation: 'The bootloader or fastbootd; which of both, it says when it is asked.',
  certainty: 'certain',
}

/** The ids only name what the class has proven. */
function withAdb(known: Personality | undefined): Recognised {
  const plain: Recognised = {
    id: 'android-adb',
    mode: 'system',
    name: 'Android with ADB',
    explanation: 'The running system, recovery or sideload: which of them, ADB says when it is asked.',
    certainty: 'certain',
    way: {
      to: 'bootloader',
      guide: 'bootloader',
      software: [{ words: 'Slotbench restarts it into the mode that a plan needs', information: false }],
    },
  }
  const special = known === undefined ? undefined : ADB_NAMES[known.id]
  return special === undefined ? plain : { ...plain, ...special }
}

const ADB_NAMES: Readonly<Record<string, Pick<Recognised, 'id' | 'name' | 'explanation'>>> = {
  'zte-ftm': {
    id: 'zte-ftm-adb',
    name: 'ZTE factory test mode (FTM) with ADB',
    explanation:
      'The small test system of a phone. ADB answers without a question on its screen, and can restart it into EDL.',
  },
  'zte-modem-adb': {
    id: 'zte-modem-with-adb',
    name: 'ZTE modem with ADB',
    explanation: 'A hotspot or modem whose system answers over ADB.',
  },
}

function byId(known: Personality, face: UsbFace): Recognised {
  const { usb: _ids, promisesAdb, ...recognised } = known
  if (promisesAdb !== true) return recognised
  if (face.interfaces === undefined) return { ...recognised, certainty: 'likely' }
  // The interfaces were read and ADB is not among them: the id is right about the rest at most.
  return {
    ...recognised,
    certainty: 'likely',
    explanation: 'The running system, with an id that stands for USB debugging, but without its interface.',
    way: { to: 'system', guide: 'system-adb', software: [] },
  }
}

function unreadable(maker: string): Recognised {
  return {
    id: 'unreadable',
    mode: 'unknown',
    name: `Device of ${maker}, not readable`,
    explanation:
      'Its interfaces could not be read, so nobody can say what it speaks. `slotbench doctor` says why.',
    certainty: 'guess',
    way: { to: 'bootloader', guide: 'leave-unknown', software: [] },
  }
}

/** ZTE has used hundreds of ids; the classes tell phones and modems apart. */
function unlistedZte(interfaces: readonly UsbClasses[]): Recognised {
  if (interfaces.some(isMtp)) return fileTransfer('ZTE')
  if (interfaces.length > 0 && interfaces.every(isStorage)) {
    return {
      id: 'zte-storage',
      mode: 'modem',
      name: 'ZTE device as a disc only',
      explanation:
        'Probably the driver disc of a modem: ejecting it switches the modem to its real personality.',
      certainty: 'guess',
    }
  }
  return {
    id: interfaces.some(isNetwork) ? 'zte-modem' : 'zte-unlisted',
    mode: 'modem',
    name: interfaces.some(isNetwork) ? 'ZTE modem' : 'ZTE device of an unlisted kind',
    explanation:
      'A ZTE device without fastboot and without ADB; by its interfaces a modem or a diagnostic mode.',
    certainty: 'guess',
  }
}

/** Other makers sell much that is no terminal (cameras, network cards): only file transfer marks a phone or tablet. */
function byClass(maker: string, interfaces: readonly UsbClasses[]): Recognised | undefined {
  return interfaces.some(isMtp) ? fileTransfer(maker) : undefined
}

function fileTransfer(maker: string): Recognised {
  return {
    id: 'android-file-transfer',
    mode: 'system',
    name: 'Android (file transfer)',
    explanation: `The running system of a terminal with ${maker}’s id, with file transfer on USB and without ADB.`,
    certainty: 'likely',
    way: { to: 'system', guide: 'system-adb', software: [] },
  }
}

function matches(c: UsbClasses, cls: number, subclass: number, protocol: number): boolean {
  return c.interfaceClass === cls && c.interfaceSubclass === subclass && c.interfaceProtocol === protocol
}

function hex4(id: number): string {
  return id.toString(16).padStart(4, '0')
}
