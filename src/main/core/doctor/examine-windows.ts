// Windows: which driver each terminal has, and which it needs (zte-domain §2.5, §5.5). The USB package opens WinUSB devices only.
import type { DoctorDevice, DoctorFinding, DoctorReport } from '../../../shared/doctor.ts'
import type { Recognised } from '../../../shared/recognised.ts'
import { recogniseUsb, type UsbClasses, usbId } from '../identity/recognise-usb.ts'
import { finding } from './findings.ts'
import type { WindowsInspection, WindowsUsbNode } from './inspection.ts'

interface Ids {
  readonly vendorId: number
  readonly productId: number
  /** Number of the interface, for a function of a composite device. */
  readonly function: number | undefined
}

type Kind =
  | 'winusb'
  | 'composite'
  | 'serial'
  | 'libusb'
  | 'storage'
  | 'file-transfer'
  | 'network'
  | 'none'
  | 'other'

/** Service → what it makes of a device. */
const KINDS: Readonly<Record<string, Kind>> = {
  winusb: 'winusb',
  usbccgp: 'composite',
  usbser: 'serial',
  qcusbser: 'serial',
  qcusbnet: 'network',
  sprdvcom: 'serial',
  wdm_usb: 'serial',
  libusb0: 'libusb',
  libusbk: 'libusb',
  usbstor: 'storage',
  uaspstor: 'storage',
  wudfwpdmtp: 'file-transfer',
  wpdmtp: 'file-transfer',
  usb_rndis: 'network',
  usbrndis6: 'network',
  rndismp: 'network',
}

/** The .inf of a driver → its service, where only the .inf is known (pnputil). */
const BY_INF: Readonly<Record<string, string>> = {
  'winusb.inf': 'WinUSB',
  'usb.inf': 'usbccgp',
  'usbser.inf': 'usbser',
  'mdmcpq.inf': 'usbser',
  'qcser.inf': 'qcusbser',
  'qcmdm.inf': 'qcusbser',
  'usbstor.inf': 'USBSTOR',
  'wpdmtp.inf': 'WUDFWpdMtp',
  'android_winusb.inf': 'WinUSB',
}

/** CM_PROB_* that a technician meets (Microsoft, "Device Manager error messages"). */
const PROBLEMS: Readonly<Record<number, string>> = {
  10: 'the device cannot start',
  22: 'the device is switched off in the device manager',
  28: 'no driver is installed',
  31: 'the driver could not be loaded',
  39: 'the driver is damaged or missing',
  43: 'the device reported a fault: often cable, port or a crashed terminal',
  45: 'the device is not connected',
  52: 'the driver is not signed',
}
const NO_DRIVER = 28

export function examineWindows(host: WindowsInspection): Pick<DoctorReport, 'devices' | 'findings'> {
  if (host.failure !== undefined) {
    const next = 'Look into the device manager; run Slotbench from an ordinary (not a restricted) account.'
    return { devices: [], findings: [finding('reader-failed', 'warning', { detail: host.failure, next })] }
  }
  const groups = devicesOf(host.nodes)
  const terminals = groups.flatMap((nodes) => asTerminal(nodes))
  const findings = terminals.flatMap((t) => t.nodes.flatMap((node) => examineNode(node, t)))
  return {
    devices: terminals.map(asDevice),
    findings: [...findings, ...examineHost(host, terminals.length)],
  }
}

function examineHost(host: WindowsInspection, terminals: number): DoctorFinding[] {
  const found: DoctorFinding[] = []
  if (terminals === 0) {
    const next =
      'Plug it into another port with another cable, switch it on, and run `slotbench doctor` again.'
    found.push(
      finding('no-terminal', 'advice', { detail: `${host.nodes.length} other USB devices are seen`, next }),
    )
  }
  if (host.adbServer !== undefined) {
    const next = 'Stop it, or let Slotbench go through it with --adb-server.'
    const detail = 'an adb server runs'
    found.push(finding('adb-server-running', 'warning', { detail, next }, { command: 'adb kill-server' }))
  }
  return found
}

interface WindowsTerminal {
  readonly place: string
  readonly ids: Ids
  readonly nodes: readonly WindowsUsbNode[]
  readonly personality: Recognised
}

/** Functions of a composite device belong to the device that stands before them: they share ids, and their own instance ids do not
 * name their parent. Two equal composite devices therefore share a group, which only makes their functions appear together. */
function devicesOf(nodes: readonly WindowsUsbNode[]): readonly (readonly WindowsUsbNode[])[] {
  const groups = new Map<string, WindowsUsbNode[]>()
  for (const node of nodes) {
    const ids = idsOf(node.instanceId)
    if (ids === undefined) continue
    const composite = ids.function !== undefined || kindOf(node) === 'composite'
    const key = composite ? usbId(ids) : node.instanceId
    groups.set(key, [...(groups.get(key) ?? []), node])
  }
  return [...groups.values()]
}

function asTerminal(nodes: readonly WindowsUsbNode[]): readonly WindowsTerminal[] {
  const [first] = nodes
  const ids = first && idsOf(first.instanceId)
  if (first === undefined || ids === undefined) return []
  const classes = nodes.flatMap(({ compatibleIds }) => compatibleIds).flatMap(classesOf)
  const { vendorId, productId } = ids
  const interfaces = classes.length === 0 ? undefined : classes
  const personality = recogniseUsb({ vendorId, productId, interfaces })
  return personality === undefined ? [] : [{ place: first.instanceId, ids, nodes, personality }]
}

function examineNode(node: WindowsUsbNode, terminal: WindowsTerminal): DoctorFinding[] {
  const place = node.instanceId
  const needed = needsWinUsb(node, terminal)
  if (node.problem !== undefined && node.problem !== 0 && node.problem !== NO_DRIVER) {
    const detail = `problem ${node.problem}: ${PROBLEMS[node.problem] ?? 'see the device manager'}`
    const next = 'Unplug it and plug it into another port; then install the driver anew.'
    return [finding('driver-problem', needed ? 'blocks' : 'advice', { detail, next }, { place })]
  }
  if (!needed) return []
  const kind = kindOf(node)
  const name = node.name ?? 'unnamed device'
  if (kind === 'none') {
    const detail = `${name} has no driver; it needs WinUSB`
    return [finding('driver-missing', 'blocks', { detail, next: INSTALL_WINUSB }, { place })]
  }
  if (kind === 'winusb' || kind === 'composite') return []
  const driver = node.service ?? node.inf ?? 'another driver'
  const detail = `${name} has ${driver}${WRONG[kind] ?? ''}; it needs WinUSB`
  return [finding('driver-wrong', 'blocks', { detail, next: REPLACE_DRIVER }, { place })]
}

const INSTALL_WINUSB =
  'Install WinUSB for this device: in the device manager, Update driver, Browse, Let me pick, Universal Serial Bus devices, WinUsb Device; or with Zadig.'
const REPLACE_DRIVER = `${INSTALL_WINUSB} The maker’s own tools need the old driver back: Roll back driver in the device manager.`

const WRONG: Readonly<Partial<Record<Kind, string>>> = {
  serial: ', a serial port. In EDL that driver reads the terminal’s first greeting (HELLO) away',
  libusb: ', which older tools use',
  'file-transfer': ', for file transfer only',
}

/** What Slotbench opens, or will: fastboot and ADB functions, and the download modes. Modems, discs and file transfer keep their own. */
function needsWinUsb(node: WindowsUsbNode, { ids, personality, nodes }: WindowsTerminal): boolean {
  if (kindOf(node) === 'composite') return false
  const classes = node.compatibleIds.flatMap(classesOf)
  const android = classes.some((c) => c.interfaceClass === 0xff && c.interfaceSubclass === 0x42)
  if (android) return true
  if (nodes.length > 1 && idsOf(node.instanceId)?.function === undefined) return false
  const download = ['edl', 'unisoc', 'mediatek', 'zxic'].includes(personality.mode)
  const unread =
    classes.length === 0 && (personality.id === 'google-fastboot' || personality.id === 'unreadable')
  return (download && personality.id !== 'foreign-edl') || (unread && ids.function === undefined)
}

function kindOf(node: WindowsUsbNode): Kind {
  const service = serviceOf(node)
  if (service === undefined) return node.inf === undefined ? 'none' : 'other'
  return KINDS[service.toLowerCase()] ?? 'other'
}

function serviceOf({ service, inf }: WindowsUsbNode): string | undefined {
  return service ?? (inf === undefined ? undefined : BY_INF[inf.toLowerCase()])
}

function asDevice({ place, ids, nodes, personality }: WindowsTerminal): DoctorDevice {
  const name = nodes.find((n) => n.name !== undefined)?.name
  return {
    place,
    usb: usbId(ids),
    ...(name !== undefined && { product: name }),
    personality,
    interfaces: nodes
      .filter((node) => nodes.length === 1 || kindOf(node) !== 'composite')
      .map((node) => {
        const driver = serviceOf(node) ?? node.inf
        return {
          number: idsOf(node.instanceId)?.function ?? 0,
          ...(driver !== undefined && { driver }),
        }
      }),
    holders: [],
  }
}

function idsOf(instanceId: string): Ids | undefined {
  const [, vid, pid, mi] =
    /^USB\\VID_([0-9a-f]{4})&PID_([0-9a-f]{4})(?:&REV_[0-9a-f]{4})?(?:&MI_([0-9a-f]{2}))?(?:\\|$)/i.exec(
      instanceId,
    ) ?? []
  if (vid === undefined || pid === undefined) return undefined
  return {
    vendorId: Number.parseInt(vid, 16),
    productId: Number.parseInt(pid, 16),
    function: mi === undefined ? undefined : Number.parseInt(mi, 16),
  }
}

function classesOf(compatibleId: string): readonly UsbClasses[] {
  const [, a, b, c] =
    /^USB\\Class_([0-9a-f]{2})&SubClass_([0-9a-f]{2})&Prot_([0-9a-f]{2})$/i.exec(compatibleId) ?? []
  if (a === undefined || b === undefined || c === undefined) return []
  return [
    {
      interfaceClass: Number.parseInt(a, 16),
      interfaceSubclass: Number.parseInt(b, 16),
      interfaceProtocol: Number.parseInt(c, 16),
    },
  ]
}
