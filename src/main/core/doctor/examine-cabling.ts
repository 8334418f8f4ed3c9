// How a terminal is cabled: speed, hubs, suspend (zte-domain §5.7: "the cable from the box, rear port").
import type { DoctorFinding } from '../../../shared/doctor.ts'
import { finding } from './findings.ts'
import { hubsOf, type LinuxTerminal } from './linux-terminal.ts'

const HIGH_SPEED = 480
const SUPER_SPEED = 5000
/** bcdUSB of a device that has a binary object store, which every USB 3 device on a USB 2 link has (USB 3.2, 9.2.6.6). */
const WITH_OBJECT_STORE = 0x0210

export function examineCabling(terminal: LinuxTerminal): DoctorFinding[] {
  return [...examineSpeed(terminal), ...examineHubs(terminal), ...examineSuspend(terminal)]
}

function examineSpeed({ place, device }: LinuxTerminal): DoctorFinding[] {
  const { speed, deviceCan, usbVersion, portCanSuper } = device
  if (speed === undefined) return []
  const slow = (severity: 'warning' | 'advice', detail: string, next: string) => [
    finding('slow-link', severity, { detail, next }, { place }),
  ]
  if (speed < HIGH_SPEED)
    return slow(
      'warning',
      `the link runs at ${speed} Mbit/s, far below USB 2`,
      'Use another cable and a port directly on the computer: at this speed the link is usually faulty.',
    )
  if (speed >= SUPER_SPEED) return []
  if (deviceCan !== undefined && deviceCan >= SUPER_SPEED) {
    const port = portCanSuper ? 'and so can the port' : 'the port or hub cannot, as far as the system shows'
    return slow(
      'advice',
      `the link runs at ${speed} Mbit/s; the terminal can do ${deviceCan}, ${port}`,
      'Use a USB 3 cable in a USB 3 port. USB 2 works too, and is the steadier choice where links drop.',
    )
  }
  if (deviceCan === undefined && portCanSuper && (usbVersion ?? 0) >= WITH_OBJECT_STORE)
    return slow(
      'advice',
      `the link runs at ${speed} Mbit/s; the port can do ${SUPER_SPEED}, and the terminal perhaps too`,
      'Try a USB 3 cable if transfers are slow.',
    )
  return []
}

function examineHubs({ place, device }: LinuxTerminal): DoctorFinding[] {
  const hubs = hubsOf(device)
  if (hubs === 0) return []
  const detail = `${hubs} hub${hubs === 1 ? '' : 's'} between computer and terminal (port path ${device.sysfs})`
  const next =
    'Use a port directly on the computer, at the back of a desktop; a hub inside a laptop counts too.'
  return [finding('behind-hubs', hubs > 1 ? 'warning' : 'advice', { detail, next }, { place })]
}

function examineSuspend({ place, device }: LinuxTerminal): DoctorFinding[] {
  if (device.powerControl !== 'auto') return []
  const command = `echo on | sudo tee /sys/bus/usb/devices/${device.sysfs}/power/control`
  const next =
    'Nothing, unless the link drops while the terminal is idle; then switch autosuspend off for it.'
  return [finding('autosuspend', 'advice', { detail: 'power/control is auto', next }, { place, command })]
}
