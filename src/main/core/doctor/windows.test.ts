// The samples are written by hand after the documented formats (Microsoft: "PnPUtil Command Syntax", Get-PnpDevice,
// Win32_PnPEntity); they were not recorded on a Windows machine.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DoctorCode, doctorReportSchema } from '../../../shared/doctor.ts'
import { examine } from './examine.ts'
import type { WindowsUsbNode } from './inspection.ts'
import { parsePnpDevices, parsePnputil } from './windows-texts.ts'

const node = (instanceId: string, more: Partial<WindowsUsbNode> = {}): WindowsUsbNode => ({
  instanceId,
  name: undefined,
  service: undefined,
  inf: undefined,
  problem: 0,
  compatibleIds: [],
  ...more,
})
const EDL = 'USB\\VID_05C6&PID_9008\\5&2D3E6A4&0&2'

function diagnose(...nodes: readonly WindowsUsbNode[]) {
  const report = examine({ platform: 'win32', nodes, adbServer: undefined, failure: undefined })
  expect(doctorReportSchema.strict().parse(report)).toEqual(report)
  return { report, codes: report.findings.map((f): DoctorCode => f.code) }
}

describe('which driver it has and needs', () => {
  it.each([
    ['WinUSB', []],
    ['qcusbser', ['driver-wrong']],
    ['usbser', ['driver-wrong']],
    ['libusb0', ['driver-wrong']],
    ['libusbK', ['driver-wrong']],
    [undefined, ['driver-missing']],
  ] as const)('EDL with %s', (service, codes) => {
    const { report, codes: found } = diagnose(node(EDL, { service }))
    expect(found).toEqual(codes)
    expect(report.healthy).toBe(codes.length === 0)
    expect(report.devices[0]).toMatchObject({ place: EDL, usb: '05c6:9008', personality: { mode: 'edl' } })
  })

  it('says what the QDLoader driver does to EDL', () => {
    const { report } = diagnose(
      node(EDL, { service: 'qcusbser', name: 'Qualcomm HS-USB QDLoader 9008 (COM5)' }),
    )
    expect(report.findings[0]?.detail).toContain('QDLoader 9008 (COM5) has qcusbser')
    expect(report.findings[0]?.detail).toContain('HELLO')
  })

  it.each([
    [28, 'driver-missing'],
    [52, 'driver-problem'],
    [10, 'driver-problem'],
  ])('problem code %i', (problem, code) => expect(diagnose(node(EDL, { problem })).codes).toEqual([code]))

  it('looks at each function of a composite phone, and wants WinUSB for ADB only', () => {
    const phone = 'USB\\VID_19D2&PID_FFCF'
    const parent = node(`${phone}\\AB12`, { service: 'usbccgp', compatibleIds: ['USB\\COMPOSITE'] })
    const mtp = node(`${phone}&MI_00\\6&1&0&0000`, {
      service: 'WUDFWpdMtp',
      compatibleIds: ['USB\\Class_06&SubClass_01&Prot_01'],
    })
    const adb = (service: string | undefined) =>
      node(`${phone}&MI_01\\6&1&0&0001`, { service, compatibleIds: ['USB\\Class_ff&SubClass_42&Prot_01'] })
    expect(diagnose(parent, mtp, adb('WinUSB')).codes).toEqual([])
    const { report, codes } = diagnose(parent, mtp, adb(undefined))
    expect(codes).toEqual(['driver-missing'])
    expect(report.findings[0]?.place).toContain('MI_01')
    expect(report.devices).toMatchObject([
      { personality: { mode: 'system' }, interfaces: [{ number: 0, driver: 'WUDFWpdMtp' }, { number: 1 }] },
    ])
  })

  it('leaves modems, discs and what is no terminal their drivers', () => {
    expect(diagnose(node('USB\\VID_19D2&PID_1403\\1', { service: 'usb_rndis' })).codes).toEqual([])
    expect(diagnose(node('USB\\VID_19D2&PID_2000\\1', { service: 'USBSTOR' })).codes).toEqual([])
    expect(diagnose(node('USB\\VID_046D&PID_C31C\\1')).codes).toEqual(['no-terminal'])
    expect(diagnose(node('nonsense')).report.devices).toEqual([])
  })

  it('says that nothing could be read', () => {
    const report = examine({ platform: 'win32', nodes: [], adbServer: undefined, failure: 'refused' })
    expect(report.findings).toMatchObject([{ code: 'reader-failed', detail: 'refused' }])
    expect(examine({ platform: 'other', name: 'darwin' })).toMatchObject({
      platform: 'darwin',
      healthy: true,
    })
  })
})

describe('Get-PnpDevice', () => {
  const SAMPLE = `\uFEFF[{"InstanceId":"USB\\\\VID_05C6&PID_9008\\\\5&2D3E6A4&0&2","FriendlyName":"Qualcomm HS-USB QDLoader 9008 (COM5)","Service":"qcusbser","ConfigManagerErrorCode":0,"CompatibleID":["USB\\\\Class_FF&SubClass_FF&Prot_FF","USB\\\\Class_FF"]},{"InstanceId":"USB\\\\VID_18D1&PID_D00D\\\\AB12","FriendlyName":"Android","Service":null,"ConfigManagerErrorCode":28,"CompatibleID":["USB\\\\Class_FF&SubClass_42&Prot_03"]}]`

  it('gives services, problems and classes', () => {
    const nodes = parsePnpDevices(SAMPLE) ?? []
    expect(nodes).toMatchObject([
      { instanceId: EDL, service: 'qcusbser', problem: 0 },
      { service: undefined, problem: 28, compatibleIds: ['USB\\Class_FF&SubClass_42&Prot_03'] },
    ])
    expect(diagnose(...nodes).codes).toEqual(['driver-wrong', 'driver-missing'])
  })

  it('takes one device without an array, names of problems, and no devices', () => {
    const one = parsePnpDevices(
      '{"InstanceId":"USB\\\\VID_05C6&PID_9008\\\\1","ConfigManagerErrorCode":"CM_PROB_FAILED_INSTALL"}',
    )
    expect(one).toMatchObject([{ problem: 28, compatibleIds: [] }])
    expect(parsePnpDevices('[]')).toEqual([])
    expect(parsePnpDevices('[null,3,{}]')).toEqual([])
    expect(parsePnpDevices('Get-PnpDevice : not recognized')).toBeUndefined()
  })
})

describe('pnputil', () => {
  const block = (labels: readonly [string, string, string, string, string]) =>
    `${labels[0]}:                ${EDL}\r\n${labels[1]}:         Qualcomm HS-USB QDLoader 9008 (COM5)\r\n` +
    `${labels[2]}:                 Ports\r\nClass GUID:                 {4d36e978-e325-11ce-bfc1-08002be10318}\r\n` +
    `${labels[3]}:                     Started\r\nDriver Name:                oem12.inf\r\nMatching Drivers:\r\n` +
    `    ${labels[4]}:            oem12.inf\r\n    Original Name:          qcser.inf\r\n    Driver Status:          Best Ranked / Installed\r\n`
  const ENGLISH = block(['Instance ID', 'Device Description', 'Class Name', 'Status', 'Driver Name'])
  const GERMAN = block(['Instanz-ID', 'Gerätebeschreibung', 'Klassenname', 'Status', 'Treibername'])
  const PROBLEM =
    'Instance ID:                USB\\VID_18D1&PID_D00D\\AB12\r\nDevice Description:         Android\r\nClass GUID:                 {00000000-0000-0000-0000-000000000000}\r\nStatus:                     Problem\r\nProblem Code:               28 (0x1C) [CM_PROB_FAILED_INSTALL]\r\n'

  it.each([
    ['English', ENGLISH],
    ['German', GERMAN],
  ])('is read in %s, by the form of its values', (_language, text) => {
    const nodes = parsePnputil(`Microsoft PnP Utility\r\n\r\n${text}\r\n${PROBLEM}`)
    expect(nodes).toMatchObject([
      { instanceId: EDL, inf: 'qcser.inf', name: 'Qualcomm HS-USB QDLoader 9008 (COM5)', problem: undefined },
      { inf: undefined, problem: 28 },
    ])
    expect(diagnose(...nodes).codes).toEqual(['driver-wrong', 'driver-missing'])
  })

  it('takes any text, and mutated samples', () => {
    const sample = `${ENGLISH}\r\n${PROBLEM}`
    const cut = fc
      .tuple(fc.nat(sample.length), fc.nat(20), fc.string())
      .map(([at, n, put]) => sample.slice(0, at) + put + sample.slice(at + n))
    fc.assert(
      fc.property(fc.oneof(fc.string(), cut, fc.json()), (text) => {
        diagnose(...parsePnputil(text))
        diagnose(...(parsePnpDevices(text) ?? []))
      }),
    )
  })
})
