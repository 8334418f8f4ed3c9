// What the readers hand to the doctor: the host as it was found, as plain data, nothing judged.

export interface HostInterface {
  readonly number: number
  readonly interfaceClass: number
  readonly interfaceSubclass: number
  readonly interfaceProtocol: number
  readonly driver: string | undefined
  /** Device files that the driver made of it: `/dev/ttyUSB0`, `/dev/cdc-wdm0`. */
  readonly files: readonly string[]
}

export interface Holder {
  readonly pid: number
  readonly name: string
  readonly file: string
}

export interface LinuxUsbDevice {
  /** Its name in sysfs: bus and port path, `1-2.3`. */
  readonly sysfs: string
  readonly vendorId: number
  readonly productId: number
  readonly busNumber: number
  readonly deviceNumber: number
  readonly product: string | undefined
  readonly serial: string | undefined
  /** Megabits per second. */
  readonly speed: number | undefined
  /** What its binary object store says that it can do, in megabits per second; undefined where the kernel does not show it. */
  readonly deviceCan: number | undefined
  /** bcdUSB, e.g. `0x0210`. */
  readonly usbVersion: number | undefined
  /** The port has a SuperSpeed twin. */
  readonly portCanSuper: boolean
  /** `undefined`: not configured, so there are none. */
  readonly interfaces: readonly HostInterface[]
  /** `power/control`: `auto` lets the kernel suspend it when idle. */
  readonly powerControl: string | undefined
  /** Its file below /dev/bus/usb. */
  readonly file: string
  readonly access: 'yes' | 'denied' | 'missing'
  /** Properties and tags that udev has stored for it; undefined where there is no udev. */
  readonly udev:
    | { readonly properties: Readonly<Record<string, string>>; readonly tags: readonly string[] }
    | undefined
}

export type RuleState = 'current' | 'missing' | 'outdated' | 'masked'

export interface LinuxInspection {
  readonly platform: 'linux'
  /** False where the kernel shows no USB at all. */
  readonly hasUsb: boolean
  readonly devices: readonly LinuxUsbDevice[]
  /** Who has one of the device files open, as far as this user may see. */
  readonly holders: readonly Holder[]
  /** Processes whose open files this user may not see. */
  readonly hiddenProcesses: number
  readonly modemManager: { readonly pid: number } | undefined
  /** Somebody listens where adb servers do (TCP port 5037). */
  readonly adbServer: { readonly pid: number | undefined } | undefined
  readonly rule: { readonly state: RuleState; readonly path: string | undefined }
  /** Shell commands that put the rule in place. */
  readonly installRule: string
  readonly root: boolean
  /** The person is logged in over the network, so that "the user at the screen" is somebody else. */
  readonly remoteSession: boolean
}

export interface WindowsUsbNode {
  /** `USB\VID_05C6&PID_9008\5&2D3E6A4&0&2`; functions of a composite device have `&MI_nn` in it. */
  readonly instanceId: string
  readonly name: string | undefined
  /** The service that drives it: `WinUSB`, `usbser`, `qcusbser`, `usbccgp` …; undefined without a driver. */
  readonly service: string | undefined
  /** The .inf that it was installed from, where it is known. */
  readonly inf: string | undefined
  /** CM_PROB_*: 0 none, 28 no driver installed, 10 cannot start, 52 not signed. */
  readonly problem: number | undefined
  /** `USB\Class_ff&SubClass_42&Prot_03` … */
  readonly compatibleIds: readonly string[]
}

export interface WindowsInspection {
  readonly platform: 'win32'
  readonly nodes: readonly WindowsUsbNode[]
  readonly adbServer: { readonly pid: number | undefined } | undefined
  /** Why nothing could be read. */
  readonly failure: string | undefined
}

export interface OtherInspection {
  readonly platform: 'other'
  readonly name: string
}

export type HostInspection = LinuxInspection | WindowsInspection | OtherInspection
