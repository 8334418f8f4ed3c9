// A Virtual A/B phone as the RedMagic 9 Pro (NX769J): logical partitions in super, and two names that are one model.
import { NX769J_EDL, NX789J_EDL } from './edl.ts'
import { KIB, MIB, onePartition, slottedPartition } from './parts.ts'
import { NUBIA_USB, NX679J_FASTBOOT } from './qualcomm.ts'
import type { DynamicProfile, PartitionProfile, TerminalProfile } from './types.ts'

const LOGICAL = { logical: true } as const

const PARTITIONS: readonly PartitionProfile[] = [
  onePartition('persist', 0, MIB),
  onePartition('misc', 0, MIB),
  onePartition('metadata', 0, MIB),
  onePartition('frp', 0, 512 * KIB),
  // Its size follows from what lies in it.
  onePartition('super', 0, MIB),
  slottedPartition('system', 0, 6 * MIB, {
    ...{ verification: 'hashtree', describedBy: 'vbmeta_system', ...LOGICAL },
  }),
  slottedPartition('vendor', 0, 3 * MIB, { verification: 'hashtree', ...LOGICAL }),
  slottedPartition('product', 0, 2 * MIB, {
    ...{ verification: 'hashtree', describedBy: 'vbmeta_system', ...LOGICAL },
  }),
  onePartition('userdata', 0, 16 * MIB, { type: 'f2fs' }),
  slottedPartition('xbl', 1, 512 * KIB, { lunB: 2, verification: 'firmware', critical: true }),
  slottedPartition('abl', 4, 256 * KIB, { verification: 'firmware', critical: true }),
  slottedPartition('modem', 4, MIB, { verification: 'hash' }),
  slottedPartition('boot', 4, 2 * MIB, { verification: 'hash' }),
  slottedPartition('init_boot', 4, MIB, { verification: 'hash' }),
  slottedPartition('vendor_boot', 4, MIB, { verification: 'hash' }),
  slottedPartition('dtbo', 4, 512 * KIB, { verification: 'hash' }),
  slottedPartition('vbmeta', 4, 64 * KIB, { verification: 'vbmeta' }),
  slottedPartition('vbmeta_system', 4, 64 * KIB, { verification: 'vbmeta-chained' }),
  onePartition('devinfo', 4, 4 * KIB),
  onePartition('cdt', 3, 128 * KIB),
  onePartition('ddr', 3, MIB),
  onePartition('modemst1', 5, 256 * KIB),
  onePartition('modemst2', 5, 256 * KIB),
  onePartition('fsg', 5, 256 * KIB),
  onePartition('fsc', 5, 128 * KIB),
]

const DYNAMIC: DynamicProfile = {
  slotsInSuper: 2,
  group: 'qti_dynamic_partitions',
  metadataMaxSize: 64 * KIB,
  // Real terminals: 1 MiB. Less, so that a small super is not all alignment.
  alignment: 64 * KIB,
  spare: 0.05,
  fastbootd: {
    // kMaxDownloadSizeDefault (AOSP fastboot/device/constants.h).
    maxDownload: 0x10000000,
    successfulInverted: true,
    constants: {
      version: '0.4',
      'version-bootloader': 'NX769J-sim-1',
      'version-baseband': '',
      'version-os': '14',
      'version-vndk': '34',
      variant: 'SM_ UFS',
      secure: 'yes',
      'is-force-debuggable': 'no',
      'off-mode-charge': '1',
      'hw-revision': '0',
      'cpu-abi': 'arm64-v8a',
      'dynamic-partition': 'true',
      'first-api-level': '34',
      'treble-enabled': 'true',
    },
  },
}

/** Product and board code are PQ83A01, the name on the box is NX769J (zte-domain §1.2). On real ones the bootloader refuses to
 * flash [edl #488]; this one does as an NX679J. */
export const NX769J: TerminalProfile = {
  id: 'nx769j',
  title: 'RedMagic 9 Pro (NX769J, PQ83A01), Qualcomm, Virtual A/B, both slots fit super',
  product: 'PQ83A01',
  aliases: ['NX769J', 'PQ83A01', 'RedMagic 9 Pro'],
  sectorSize: 4096,
  slotScheme: 'qualcomm-gpt',
  bootLuns: [1, 2],
  partitions: PARTITIONS,
  usb: {
    ...NUBIA_USB,
    system: { ...NUBIA_USB.system, productName: 'NX769J' },
    recovery: { ...NUBIA_USB.recovery, productName: 'NX769J' },
    // AOSP's own id for userspace fastboot.
    fastbootd: { vendorId: 0x18d1, productId: 0x4ee0, productName: 'fastbootd' },
  },
  fastboot: {
    ...NX679J_FASTBOOT,
    constants: { ...NX679J_FASTBOOT.constants, 'version-bootloader': 'NX769J-sim-1' },
  },
  dynamic: DYNAMIC,
  edl: NX769J_EDL,
}

/** As real Virtual A/B terminals: super holds one slot and little more. */
export const NX769J_TIGHT: TerminalProfile = {
  ...NX769J,
  id: 'nx769j-tight',
  title: 'RedMagic 9 Pro (NX769J, PQ83A01), Qualcomm, Virtual A/B, super holds one slot',
  dynamic: { ...DYNAMIC, slotsInSuper: 1, spare: 0.3 },
}

/** The generation whose EDL differs (zte-domain §0.2, §0.3); the rest is as its predecessor. */
export const NX789J: TerminalProfile = {
  ...NX769J,
  id: 'nx789j',
  title: 'RedMagic 10 Pro (NX789J), Qualcomm, Virtual A/B, EDL of the newest kind',
  product: 'NX789J',
  aliases: ['NX789J', 'RedMagic 10 Pro'],
  usb: {
    ...NX769J.usb,
    system: { ...NUBIA_USB.system, productName: 'NX789J' },
    recovery: { ...NUBIA_USB.recovery, productName: 'NX789J' },
  },
  fastboot: {
    ...NX769J.fastboot,
    constants: { ...NX769J.fastboot.constants, 'version-bootloader': 'NX789J-sim-1' },
  },
  edl: NX789J_EDL,
}
