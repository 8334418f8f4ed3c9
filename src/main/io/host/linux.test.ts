import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { linuxTree, type TreeDevice, type TreeHost } from '../../../../test/linux-tree.ts'
import { type DoctorCode, doctorReportSchema } from '../../../shared/doctor.ts'
import { examine } from '../../core/doctor/examine.ts'
import type { LinuxInspection } from '../../core/doctor/inspection.ts'
import { inspectLinux } from './linux.ts'
import { listensOn } from './linux-processes.ts'
import { RULE_NAME } from './udev-install.ts'

const RULE = join(import.meta.dirname, '../../../../resources/udev', RULE_NAME)
const ETC = 'etc/udev/rules.d/51-slotbench.rules'
const OUR_RULE = readFileSync(RULE, 'utf8')
const INSTALLED = { [ETC]: OUR_RULE }

const roots: string[] = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

async function inspect(host: TreeHost, userId = 1000): Promise<LinuxInspection> {
  const root = linuxTree(host)
  roots.push(root)
  return inspectLinux({ root, rule: RULE, userId, env: {} })
}

/** Tests may run as root, who may open everything: what a plain user would be refused is said here. */
async function diagnose(host: TreeHost, more: Partial<LinuxInspection> & { readonly denied?: boolean } = {}) {
  const { denied, ...rest } = more
  const found = await inspect(host)
  const devices = found.devices.map((d) => (denied ? { ...d, access: 'denied' as const } : d))
  const report = examine({ ...found, devices, ...rest })
  expect(doctorReportSchema.strict().parse(report)).toEqual(report)
  const codes = report.findings.map((f) => f.code)
  return { report, codes, find: (code: DoctorCode) => report.findings.find((f) => f.code === code) }
}

const PHONE: TreeDevice = { sysfs: '1-2', usb: '18d1:d00d', serial: 'AB12' }
const EDL: TreeDevice = {
  sysfs: '1-2',
  usb: '05c6:9008',
  product: 'QUSB_BULK_CID:0412_SN:1A2B3C4D',
  interfaces: ['ff/ff/ff qcserial ttyUSB0'],
}

describe('what is there', () => {
  it('a phone in fastboot on a good port of a host that is set up: nothing to say', async () => {
    const { report, codes } = await diagnose({ devices: [PHONE], files: INSTALLED })
    expect(codes).toEqual([])
    expect(report).toMatchObject({
      healthy: true,
      devices: [
        {
          place: 'usb:1-2',
          usb: '18d1:d00d',
          serial: 'AB12',
          speed: 480,
          hubs: 0,
          mayOpen: true,
          personality: { mode: 'bootloader', id: 'fastboot' },
          interfaces: [{ number: 0, classes: 'ff/42/03' }],
        },
      ],
    })
  })

  it('a machine without USB is told so, and nothing fails', async () => {
    const { report, codes } = await diagnose({ noUsb: true })
    expect(codes).toEqual(['no-usb'])
    expect(report.healthy).toBe(false)
  })

  it('the machine that runs the tests can be read, whatever it has', async () => {
    const host = await inspectLinux({ root: '/', rule: RULE, userId: 0, env: process.env })
    expect(doctorReportSchema.safeParse(examine(host)).success).toBe(true)
  })

  it('hubs, keyboards and half-vanished devices are no terminals', async () => {
    const devices: TreeDevice[] = [
      { sysfs: '1-1', usb: '05e3:0610', deviceClass: '09', interfaces: ['09/00/01 hub'] },
      { sysfs: '1-3', usb: '046d:c31c', address: 7, interfaces: ['03/01/01 usbhid'] },
      { sysfs: '1-4', usb: 'zzzz:zzzz', address: 8 },
    ]
    const { report, codes, find } = await diagnose({ devices, files: INSTALLED })
    expect(report.devices).toEqual([])
    expect(codes).toEqual(['no-terminal'])
    expect(find('no-terminal')?.detail).toBe('1 other USB devices are seen')
  })

  it('a device that is not configured cannot be read', async () => {
    const { codes } = await diagnose({ devices: [{ ...PHONE, interfaces: [] }], files: INSTALLED })
    expect(codes).toEqual(['not-readable'])
  })
})

describe('permission', () => {
  it('denied without the rule: install it', async () => {
    const { find, report } = await diagnose({ devices: [PHONE] }, { denied: true })
    expect(report.healthy).toBe(false)
    expect(find('permission-denied')).toMatchObject({ severity: 'blocks', place: 'usb:1-2' })
    expect(find('permission-denied')?.command).toBe(
      `sudo install -m 644 '${RULE}' /etc/udev/rules.d/51-slotbench.rules && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb`,
    )
    expect(find('udev-rule-missing')?.severity).toBe('warning')
  })

  it('denied with the rule that udev has not applied: plug it in again', async () => {
    const { codes, find } = await diagnose({ devices: [PHONE], files: INSTALLED }, { denied: true })
    expect(codes).toEqual(['permission-denied', 'udev-rule-not-applied'])
    expect(find('permission-denied')?.command).toContain('udevadm trigger')
  })

  it('denied although it is applied: somebody else is at the screen', async () => {
    const devices = [{ ...PHONE, udev: ['E:ID_MODEL=x', 'G:uaccess', 'Q:uaccess'] }]
    const { find } = await diagnose({ devices, files: INSTALLED }, { denied: true, remoteSession: true })
    expect(find('permission-denied')?.next).toContain('Over the network')
  })

  it('a container without device files', async () => {
    const { codes } = await diagnose({ devices: [{ ...PHONE, noFile: true }], files: INSTALLED })
    expect(codes).toEqual(['no-device-files'])
  })
})

describe('the rule', () => {
  it.each([
    ['missing', {}, 'udev-rule-missing'],
    ['another one', { [ETC]: 'ATTR{idVendor}=="19d2", TAG+="uaccess"\n' }, 'udev-rule-outdated'],
    [
      'masked by a link',
      { [ETC]: null, 'usr/lib/udev/rules.d/51-slotbench.rules': OUR_RULE },
      'udev-rule-masked',
    ],
    ['masked by an empty file', { [ETC]: '# nothing\n' }, 'udev-rule-masked'],
    ['in a packager’s folder', { 'usr/lib/udev/rules.d/51-slotbench.rules': OUR_RULE }, undefined],
    ['ours without comments', { [ETC]: OUR_RULE.replace(/^#.*\n/gm, '') }, undefined],
  ])('%s', async (_what, files, code) => {
    const { codes } = await diagnose({ devices: [PHONE], files })
    expect(codes).toEqual(code === undefined ? [] : [code])
  })

  it('is advice only for root, who may open everything', async () => {
    const { report } = await diagnose({ devices: [PHONE] }, { root: true })
    expect(report.findings).toMatchObject([{ code: 'udev-rule-missing', severity: 'advice' }])
  })
})

describe('other programs', () => {
  it('names who holds the device, through its file or its serial port', async () => {
    const { find, report } = await diagnose({
      devices: [EDL],
      files: INSTALLED,
      processes: [
        { pid: 41, name: 'QFIL', open: ['/dev/null', '/dev/ttyUSB0'] },
        { pid: 42, name: 'bash', open: ['/dev/pts/0'] },
      ],
    })
    expect(find('device-held')).toMatchObject({ severity: 'blocks', place: 'usb:1-2' })
    expect(find('device-held')?.detail).toBe('QFIL (process 41) has /dev/ttyUSB0 open')
    expect(report.devices[0]?.holders).toEqual([{ pid: 41, name: 'QFIL' }])
  })

  it('an adb server that holds the terminal blocks, one that idles warns', async () => {
    const adb = { pid: 9, name: 'adb', cmdline: 'adb -L tcp:5037 fork-server server --reply-fd 4' }
    const held = { ...adb, open: ['/dev/bus/usb/001/005'] }
    const one = await diagnose({ devices: [PHONE], files: INSTALLED, processes: [held] })
    expect(one.find('adb-server-running')).toMatchObject({ severity: 'blocks', command: 'adb kill-server' })
    expect(one.find('device-held')?.command).toBe('adb kill-server')
    const idle = await diagnose({ devices: [PHONE], files: INSTALLED, processes: [adb] })
    expect(idle.report).toMatchObject({
      healthy: true,
      findings: [{ code: 'adb-server-running', severity: 'warning' }],
    })
  })

  it('an adb server of another user shows by its port', async () => {
    const tcp =
      '  sl  local_address rem_address   st\n   0: 0100007F:13AD 00000000:0000 0A 00000000:00000000 00:00000000\n'
    const { codes } = await diagnose({ devices: [PHONE], files: { ...INSTALLED, 'proc/net/tcp': tcp } })
    expect(codes).toEqual(['adb-server-running'])
    expect(listensOn(tcp.replace(' 0A ', ' 01 '), 5037)).toBe(false)
    expect(listensOn('', 5037)).toBe(false)
  })

  it('says that other users’ processes are hidden', async () => {
    const { find } = await diagnose({ devices: [PHONE], files: INSTALLED }, { hiddenProcesses: 12 })
    expect(find('holders-hidden')?.detail).toContain('12 processes')
  })

  it('ModemManager beside a serial driver on a terminal in EDL is a danger, unless it is told to leave it', async () => {
    const processes = [{ pid: 700, name: 'ModemManager' }]
    const bare = await diagnose({ devices: [EDL], processes })
    expect(bare.find('modemmanager-probes')).toMatchObject({ severity: 'warning', place: 'usb:1-2' })
    expect(bare.find('serial-driver-bound')?.command).toBe(
      'echo 1-2:1.0 | sudo tee /sys/bus/usb/drivers/qcserial/unbind',
    )
    const ignored = { ...EDL, udev: ['E:ID_MM_DEVICE_IGNORE=1'] }
    const told = await diagnose({ devices: [ignored], files: INSTALLED, processes })
    expect(told.codes).toEqual(['serial-driver-bound'])
    const modem: TreeDevice = {
      sysfs: '1-2',
      usb: '19d2:1402',
      interfaces: ['ff/ff/ff option ttyUSB1', 'ff/ff/ff qmi_wwan cdc-wdm0'],
    }
    expect((await diagnose({ devices: [modem], files: INSTALLED, processes })).codes).toEqual([
      'serial-driver-bound',
    ])
  })

  it('a driver disc that the kernel mounts', async () => {
    const disc: TreeDevice = { sysfs: '1-2', usb: '19d2:2000', interfaces: ['08/06/50 usb-storage'] }
    const { codes, report } = await diagnose({ devices: [disc], files: INSTALLED })
    expect(codes).toEqual(['storage-driver-bound'])
    expect(report.devices[0]?.personality.id).toBe('zte-zerocd')
  })
})

describe('cabling', () => {
  // The binary object store of a SuperSpeed device: header, USB 2 extension, SuperSpeed capability (USB 3.2, 9.6.2).
  const SUPER = [5, 15, 22, 0, 2, 7, 16, 2, 2, 0, 0, 0, 10, 16, 3, 0, 14, 0, 1, 10, 255, 7]

  it.each([
    [{ speed: '12' }, 'warning'],
    [{ speed: '480', bos: SUPER, version: '2.10' }, 'advice'],
    [{ speed: '480', superPort: true, version: '2.10' }, 'advice'],
  ] as const)('%j is slower than it could be', async (more, severity) => {
    const { find } = await diagnose({ devices: [{ ...PHONE, ...more }], files: INSTALLED })
    expect(find('slow-link')?.severity).toBe(severity)
  })

  it.each([
    { speed: '480' },
    { speed: '480', superPort: true },
    { speed: '5000', bos: SUPER, version: '3.20' },
    { speed: 'unknown' },
  ])('%j is as fast as it gets', async (more) => {
    expect((await diagnose({ devices: [{ ...PHONE, ...more }], files: INSTALLED })).codes).toEqual([])
  })

  it('counts hubs', async () => {
    const one = await diagnose({ devices: [{ ...PHONE, sysfs: '1-2.3' }], files: INSTALLED })
    expect(one.report).toMatchObject({
      devices: [{ place: 'usb:1-2.3', hubs: 1 }],
      findings: [{ severity: 'advice' }],
    })
    const three = await diagnose({ devices: [{ ...PHONE, sysfs: '3-1.4.2.1' }], files: INSTALLED })
    expect(three.find('behind-hubs')).toMatchObject({ severity: 'warning' })
    expect(three.report.devices[0]?.hubs).toBe(3)
  })

  it('mentions autosuspend with the command that ends it', async () => {
    const { find } = await diagnose({ devices: [{ ...PHONE, power: 'auto' }], files: INSTALLED })
    expect(find('autosuspend')?.command).toBe('echo on | sudo tee /sys/bus/usb/devices/1-2/power/control')
  })
})

it('lists the worst first', async () => {
  const { report } = await diagnose(
    { devices: [{ ...EDL, sysfs: '1-2.3', power: 'auto' }] },
    { denied: true },
  )
  const order = ['blocks', 'warning', 'advice']
  const severities = report.findings.map((f) => order.indexOf(f.severity))
  expect(severities).toEqual([...severities].sort())
  expect(severities[0]).toBe(0)
})
