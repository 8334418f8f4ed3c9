// What distinguishes one model of terminal from another, as data.
import type { EdlProfile } from './edl-types.ts'

/** How the bootloader remembers which slot to boot (zte-domain §4.3, §4.5). */
export type SlotScheme = 'qualcomm-gpt' | 'bootctl-misc' | 'none'

/** What vouches for a partition's content.
 * `firmware`: signed by the chip maker's chain, checked by the boot ROM or the stage before it. */
export type Verification = 'hash' | 'hashtree' | 'vbmeta' | 'vbmeta-chained' | 'firmware' | 'none'

export interface PartitionProfile {
  /** Without slot suffix. */
  readonly name: string
  /** For slotted partitions on different LUNs (xbl): that of slot a; `lunB` that of slot b. */
  readonly lun: number
  readonly lunB?: number
  /** Bytes, a multiple of the sector size. */
  readonly size: number
  readonly slotted: boolean
  readonly verification: Verification
  /** The chained vbmeta that describes it; the top one when absent. */
  readonly describedBy?: string
  /** `partition-type` as the bootloader says it. */
  readonly type: string
  /** Written only after `unlock_critical` (Qualcomm). */
  readonly critical?: boolean
  /** Lies in super; `lun` means nothing then. */
  readonly logical?: boolean
}

export interface UsbIdentity {
  readonly vendorId: number
  readonly productId: number
  readonly productName: string
}

export interface UsbProfile {
  readonly bootloader: UsbIdentity
  readonly system: UsbIdentity
  readonly recovery: UsbIdentity
  /** Default: as recovery, in which it lives. */
  readonly fastbootd?: UsbIdentity
  /** Default: as the system. */
  readonly charging?: UsbIdentity
  /** The boot ROM's own download mode, shown when no bootloader can be loaded. */
  readonly rom: UsbIdentity
  /** A kernel driver sits on the interface and must be detached before it can be claimed. */
  readonly kernelDriver: boolean
}

export interface FastbootProfile {
  /** Longest reply, prefix included: 64 on old bootloaders, 256 today (AOSP fastboot README). */
  readonly replyBytes: 64 | 256
  readonly maxDownload: number
  /** Spelling of `max-download-size`. */
  readonly maxDownloadAs: 'decimal' | 'hex'
  /** Absent: the bootloader has no `fetch`. */
  readonly maxFetch?: number
  /** First words of the commands it knows; anything else is refused as unknown. */
  readonly commands: readonly string[]
  /** Names of variables it knows; those per slot or partition end with a colon. */
  readonly variables: readonly string[]
  /** What an unknown variable gets: FAIL (AOSP today) or an empty OKAY (old bootloaders). */
  readonly unknownVariable: 'fail' | 'empty'
  readonly getvarAll: 'listed' | 'empty'
  /** `current-slot` as `a` or `_a`. */
  readonly slotAs: 'a' | '_a'
  /** Variables with a constant value. */
  readonly constants: Readonly<Record<string, string>>
}

/** A super partition with logical partitions in it (Virtual A/B), and the fastboot of userspace that changes them. */
export interface DynamicProfile {
  /** Slots whose logical partitions super has room for; the factory fills those. */
  readonly slotsInSuper: 1 | 2
  /** Base name of the groups; slot suffixes follow. */
  readonly group: string
  /** Bytes that one copy of the metadata may have. */
  readonly metadataMaxSize: number
  /** Bytes at whose multiples extents begin. */
  readonly alignment: number
  /** Share of the content that super has more than it, 0 or more. */
  readonly spare: number
  readonly fastbootd: FastbootdProfile
}

export interface FastbootdProfile {
  readonly maxDownload: number
  /** Absent: a user build, which refuses `fetch` (AOSP commands.cpp, FB_ENABLE_FETCH). */
  readonly maxFetch?: number
  /** A maker's own, which gives out every partition; AOSP's gives out vendor_boot only. */
  readonly fetchesAll?: boolean
  /** AOSP's own slip since it speaks to the boot HAL through BootControlClient (Android 14, variables.cpp GetSlotSuccessful):
   * it answers `no` for a slot that is marked successful, and `yes` for one that is not. */
  readonly successfulInverted: boolean
  /** Variables with a constant value. */
  readonly constants: Readonly<Record<string, string>>
}

export interface TerminalProfile {
  readonly id: string
  /** For people. */
  readonly title: string
  /** `getvar product`. */
  readonly product: string
  /** Other names the same model goes by. */
  readonly aliases: readonly string[]
  readonly sectorSize: 512 | 4096
  readonly slotScheme: SlotScheme
  /** UFS phones choose the first boot stage by boot LUN: LUN of slot a, LUN of slot b. */
  readonly bootLuns?: readonly [number, number]
  readonly partitions: readonly PartitionProfile[]
  readonly usb: UsbProfile
  readonly fastboot: FastbootProfile
  readonly dynamic?: DynamicProfile
  /** Absent: its boot ROM speaks something else, or nothing. */
  readonly edl?: EdlProfile
}

export interface ProfileOptions {
  /** Multiplies the sizes of the large partitions (system, vendor, product, userdata). Default 1. */
  readonly scale?: number
  /** Bytes by partition base name; rounded up to whole sectors. */
  readonly sizes?: Readonly<Record<string, number>>
  readonly maxDownload?: number
}
