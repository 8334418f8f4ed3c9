// Linux: permissions, udev, kernel drivers, ModemManager, who holds a device, and how it is cabled (zte-domain §2.5, §5).
import type { DoctorFinding, DoctorReport } from '../../../shared/doctor.ts'
import { examineCabling } from './examine-cabling.ts'
import { finding } from './findings.ts'
import type { HostInterface, LinuxInspection } from './inspection.ts'
import { asDevice, asTerminal, type LinuxTerminal } from './linux-terminal.ts'

/** Kernel drivers that make serial ports or network cards of interfaces, and which ModemManager looks at (zte-domain §2.5). */
const SERIAL_DRIVERS: ReadonlySet<string> = new Set([
  'qcserial',
  'option',
  'cdc_acm',
  'usbserial_generic',
  'usb_serial_simple',
  'qcaux',
  'qmi_wwan',
  'cdc_mbim',
])
/** Modem personalities in which protocols run that a foreign command breaks. */
const MODEM_DOWNLOADS: ReadonlySet<string> = new Set(['zte-dfu', 'zte-factory'])
const STORAGE_DRIVERS: ReadonlySet<string> = new Set(['usb-storage', 'uas'])

export function examineLinux(host: LinuxInspection): Pick<DoctorReport, 'devices' | 'findings'> {
  const terminals = host.devices.flatMap((device) => asTerminal(device, host))
  const findings = [
    ...examineHost(host, terminals),
    ...terminals.flatMap((terminal) => [
      ...examineAccess(terminal, host),
      ...examineHolders(terminal),
      ...examineDrivers(terminal, host),
      ...examineCabling(terminal),
    ]),
  ]
  return { devices: terminals.map(asDevice), findings }
}

function examineHost(host: LinuxInspection, terminals: readonly LinuxTerminal[]): DoctorFinding[] {
  if (!host.hasUsb) {
    const next =
      'Use a machine with USB (a virtual machine needs the port passed through), or a terminal over the network.'
    return [finding('no-usb', 'blocks', { detail: '/sys/bus/usb/devices does not exist', next })]
  }
  const found: DoctorFinding[] = [...examineRule(host)]
  if (terminals.length === 0) {
    const next =
      'Plug it into another port with another cable, switch it on, and run `slotbench doctor` again.'
    found.push(
      finding('no-terminal', 'advice', { detail: `${host.devices.length} other USB devices are seen`, next }),
    )
  }
  if (host.adbServer !== undefined) {
    const held = terminals.some((t) => t.holders.some((holder) => holder.name === 'adb'))
    const process = host.adbServer.pid === undefined ? '' : ` (process ${host.adbServer.pid})`
    found.push(
      finding(
        'adb-server-running',
        held ? 'blocks' : 'warning',
        {
          detail: `an adb server listens on port 5037${process}${held ? ' and holds a terminal' : ''}`,
          next: 'Stop it, or let Slotbench go through it with --adb-server.',
        },
        { command: 'adb kill-server' },
      ),
    )
  }
  if (host.hiddenProcesses > 0 && terminals.length > 0) {
    const detail = `${host.hiddenProcesses} processes do not show their open files`
    const next = 'If a terminal is busy and no holder is named here, look as root.'
    found.push(finding('holders-hidden', 'advice', { detail, next }, { command: 'sudo slotbench doctor' }))
  }
  return found
}

function examineRule({ rule, installRule, root }: LinuxInspection): DoctorFinding[] {
  if (rule.state === 'current') return []
  const code = `udev-rule-${rule.state}` as const
  const where = rule.path ?? '51-slotbench.rules is in no rules folder'
  const next = 'Install it, then plug the terminal in again. `slotbench doctor --install-udev` does the same.'
  // Root may open every device, and ModemManager is judged at each device.
  return [finding(code, root ? 'advice' : 'warning', { detail: where, next }, { command: installRule })]
}

function examineAccess({ place, device }: LinuxTerminal, host: LinuxInspection): DoctorFinding[] {
  const { file, access, udev } = device
  if (access === 'missing') {
    const next = 'In a container, pass /dev/bus/usb through (docker: --device /dev/bus/usb).'
    return [finding('no-device-files', 'blocks', { detail: `${file} does not exist`, next }, { place })]
  }
  const tagged = udev?.tags.includes('uaccess') === true
  if (access === 'yes') return []
  const denied = (next: string, command: string) =>
    finding('permission-denied', 'blocks', { detail: `${file} cannot be opened`, next }, { place, command })
  if (host.rule.state !== 'current')
    return [denied('Install Slotbench’s udev rule and plug the terminal in again.', host.installRule)]
  if (!tagged) {
    const detail = `udev has not given ${file} to the person at the screen`
    const next = 'Plug the terminal in again, or let udev look at it again.'
    const command = 'sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb'
    return [
      denied(next, command),
      finding('udev-rule-not-applied', 'warning', { detail, next }, { place, command }),
    ]
  }
  const remote = 'The rule serves the person at the screen. Over the network, run Slotbench as root.'
  const local = 'The rule serves the active session at the screen. Log in there, or run Slotbench as root.'
  return [denied(host.remoteSession ? remote : local, 'sudo slotbench list')]
}

function examineHolders({ place, holders }: LinuxTerminal): DoctorFinding[] {
  return holders.map(({ pid, name, file }) => {
    const adb = name === 'adb'
    const next = adb ? 'Stop the adb server.' : `Close ${name}, or end process ${pid}.`
    const command = adb ? 'adb kill-server' : `kill ${pid}`
    return finding(
      'device-held',
      'blocks',
      { detail: `${name} (process ${pid}) has ${file} open`, next },
      { place, command },
    )
  })
}

function examineDrivers(terminal: LinuxTerminal, host: LinuxInspection): DoctorFinding[] {
  const { place, device } = terminal
  const bound = (drivers: ReadonlySet<string>) => device.interfaces.filter((i) => drivers.has(i.driver ?? ''))
  const found: DoctorFinding[] = []
  const serial = bound(SERIAL_DRIVERS)
  if (device.interfaces.length === 0) {
    const detail = 'the kernel has not configured it: it shows no interfaces'
    const next = 'Wait a moment, then unplug it and use another cable and another port.'
    found.push(finding('not-readable', 'warning', { detail, next }, { place }))
  }
  if (serial.length > 0) {
    const detail = serial.map((i) => `${i.driver} has interface ${i.number}`).join(', ')
    const next = 'Nothing, unless opening it fails; then unbind the driver.'
    const command = serial
      .map((i) => `echo ${device.sysfs}:1.${i.number} | sudo tee /sys/bus/usb/drivers/${i.driver}/unbind`)
      .join('; ')
    found.push(finding('serial-driver-bound', 'advice', { detail, next }, { place, command }))
  }
  const storage = bound(STORAGE_DRIVERS)
  if (storage.length > 0) {
    const detail = storage.map((i) => `${i.driver} has interface ${i.number}`).join(', ')
    const next = 'Leave it alone; a driver disc is switched away by ejecting it.'
    found.push(finding('storage-driver-bound', 'advice', { detail, next }, { place }))
  }
  return [...found, ...examineModemManager(terminal, serial, host)]
}

function examineModemManager(
  { place, device, personality }: LinuxTerminal,
  serial: readonly HostInterface[],
  host: LinuxInspection,
): DoctorFinding[] {
  // Only ports that a serial or network driver has made are probed.
  if (host.modemManager === undefined || serial.length === 0) return []
  // A modem in an everyday personality is ModemManager's own business, and the rule leaves it there.
  if (personality.mode === 'modem' && !MODEM_DOWNLOADS.has(personality.id)) return []
  if (/^(1|true|yes)$/i.test(device.udev?.properties['ID_MM_DEVICE_IGNORE'] ?? '')) return []
  const detail = `ModemManager (process ${host.modemManager.pid}) runs and is not told to leave this device alone`
  const next = 'Install Slotbench’s udev rule and plug the terminal in again, or stop ModemManager meanwhile.'
  const command = host.rule.state === 'current' ? 'sudo systemctl stop ModemManager' : host.installRule
  return [finding('modemmanager-probes', 'warning', { detail, next }, { place, command })]
}
