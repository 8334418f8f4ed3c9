// Qualcomm terminals: an A/B phone as the RedMagic 7 (NX679J), a test variation of it with `fetch`, and an A-only phone.
import { MSM8953_EDL, NX659J_EDL, NX679J_EDL } from './edl.ts'
import { KIB, MIB, onePartition, slottedPartition } from './parts.ts'
import type { FastbootProfile, PartitionProfile, TerminalProfile, UsbProfile } from './types.ts'

const QUALCOMM_USB: Pick<UsbProfile, 'rom' | 'kernelDriver'> = {
  // EDL: the boot ROM's Sahara (zte-domain §2.1).
  rom: { vendorId: 0x05c6, productId: 0x9008, productName: 'QUSB_BULK_CID:0404_SN:5B7E21D3' },
  kernelDriver: false,
}

export const NUBIA_USB: UsbProfile = {
  ...QUALCOMM_USB,
  // 18d1:d00d as seen on NX679J, ffc1 is nubia's plain ADB (zte-domain §2.1).
  bootloader: { vendorId: 0x18d1, productId: 0xd00d, productName: 'Android' },
  system: { vendorId: 0x19d2, productId: 0xffc1, productName: 'NX679J' },
  recovery: { vendorId: 0x18d1, productId: 0xd001, productName: 'NX679J' },
}

/** LUNs as on UFS: 0 data and system, 1 and 2 the first boot stage, 3 chip and memory data, 4 firmware and boot chain, 5 radio (zte-domain §3.1). */
const NX679J_PARTITIONS: readonly PartitionProfile[] = [
  onePartition('persist', 0, MIB),
  onePartition('misc', 0, MIB),
  onePartition('metadata', 0, MIB),
  onePartition('frp', 0, 512 * KIB),
  slottedPartition('system', 0, 6 * MIB, { verification: 'hashtree', describedBy: 'vbmeta_system' }),
  slottedPartition('vendor', 0, 3 * MIB, { verification: 'hashtree' }),
  slottedPartition('product', 0, 2 * MIB, { verification: 'hashtree', describedBy: 'vbmeta_system' }),
  onePartition('userdata', 0, 16 * MIB, { type: 'f2fs' }),
  slottedPartition('xbl', 1, 512 * KIB, { lunB: 2, verification: 'firmware', critical: true }),
  slottedPartition('abl', 4, 256 * KIB, { verification: 'firmware', critical: true }),
  slottedPartition('modem', 4, MIB, { verification: 'hash' }),
  slottedPartition('boot', 4, 2 * MIB, { verification: 'hash' }),
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

/** The complete inventory of the NX679J bootloader; boot, oem edl, reboot-edl, upload and powerdown are absent (zte-domain §2.4). */
const NX679J_COMMANDS = [
  ...['getvar', 'download', 'flash', 'erase', 'set_active', 'continue'],
  ...['reboot', 'reboot-bootloader', 'reboot-recovery', 'reboot-fastboot'],
  ...['flashing get_unlock_ability', 'flashing unlock', 'flashing lock'],
  ...['oem nubia_unlock', 'oem nubia_lock', 'oem nubia_device-info'],
  ...['oem nubia_unlock_critical', 'oem nubia_lock_critical', 'oem device-info'],
  ...['oem enable-charger-screen', 'oem disable-charger-screen', 'oem off-mode-charge'],
  'oem select-display-panel',
]

/** §2.4 lists the variables without claiming to be complete; product, serialno, partition-size/-type and battery-* are those that
 * every Qualcomm bootloader of that generation publishes. */
const NX679J_VARIABLES = [
  ...['unlocked', 'secure', 'slot-count', 'slot-suffixes', 'current-slot', 'has-slot:'],
  ...['slot-successful:', 'slot-unbootable:', 'slot-retry-count:', 'max-download-size', 'kernel'],
  ...['erase-block-size', 'logical-block-size', 'variant', 'version-bootloader', 'version-baseband'],
  ...['product', 'serialno', 'partition-size:', 'partition-type:'],
  ...['battery-voltage', 'battery-soc-ok', 'hw-revision', 'off-mode-charge'],
]

export const NX679J_FASTBOOT: FastbootProfile = {
  replyBytes: 256,
  maxDownload: 805306368,
  maxDownloadAs: 'decimal',
  commands: NX679J_COMMANDS,
  variables: NX679J_VARIABLES,
  unknownVariable: 'fail',
  getvarAll: 'listed',
  slotAs: 'a',
  constants: {
    // `secure:yes` together with `unlocked:yes` is normal there.
    secure: 'yes',
    kernel: 'uefi',
    'slot-suffixes': '_a,_b,',
    'erase-block-size': '0x1000',
    'logical-block-size': '0x1000',
    variant: 'SM_ UFS',
    'version-bootloader': 'NX679J-sim-1',
    'version-baseband': '',
    'hw-revision': '20000',
    'off-mode-charge': '1',
  },
}

export const NX679J: TerminalProfile = {
  id: 'nx679j',
  title: 'RedMagic 7 (NX679J), Qualcomm, A/B',
  product: 'NX679J',
  aliases: ['NX679J', 'REDMAGIC 7'],
  sectorSize: 4096,
  slotScheme: 'qualcomm-gpt',
  bootLuns: [1, 2],
  partitions: NX679J_PARTITIONS,
  usb: NUBIA_USB,
  fastboot: NX679J_FASTBOOT,
  edl: NX679J_EDL,
}

/** Not a real terminal: the NX679J with the `fetch` that fastbootd of debuggable builds has, so that reading back,
 * and rollback indices of what is installed, can be tried. */
export const NX679J_FETCH: TerminalProfile = {
  ...NX679J,
  id: 'nx679j-fetch',
  title: 'RedMagic 7 with fetch (test variation, no real terminal)',
  fastboot: {
    ...NX679J_FASTBOOT,
    maxFetch: 4 * MIB,
    commands: [...NX679J_COMMANDS, 'fetch'],
    variables: [...NX679J_VARIABLES, 'max-fetch-size'],
  },
}

const A_ONLY_PARTITIONS: readonly PartitionProfile[] = [
  onePartition('persist', 0, MIB),
  onePartition('misc', 0, MIB),
  onePartition('system', 0, 6 * MIB, { verification: 'hashtree', type: 'ext4' }),
  onePartition('vendor', 0, 3 * MIB, { verification: 'hashtree', type: 'ext4' }),
  onePartition('userdata', 0, 16 * MIB, { type: 'f2fs' }),
  onePartition('xbl', 1, 512 * KIB, { verification: 'firmware', critical: true }),
  onePartition('abl', 4, 256 * KIB, { verification: 'firmware', critical: true }),
  onePartition('modem', 4, MIB, { verification: 'hash' }),
  onePartition('boot', 4, 2 * MIB, { verification: 'hash' }),
  onePartition('recovery', 4, 2 * MIB, { verification: 'hash' }),
  onePartition('dtbo', 4, 512 * KIB, { verification: 'hash' }),
  onePartition('vbmeta', 4, 64 * KIB, { verification: 'vbmeta' }),
  onePartition('modemst1', 5, 256 * KIB),
  onePartition('modemst2', 5, 256 * KIB),
  onePartition('fsg', 5, 256 * KIB),
  onePartition('fsc', 5, 128 * KIB),
]

const ABOUT_SLOTS = /^(slot-|current-slot|has-slot:)/

/** In the manner of NX659J (RedMagic 5G): one set of partitions, a recovery of its own (zte-domain §1.3). */
export const A_ONLY: TerminalProfile = {
  id: 'a-only',
  title: 'RedMagic 5G (NX659J), Qualcomm, A-only',
  product: 'NX659J',
  aliases: ['NX659J', 'RedMagic 5G'],
  sectorSize: 4096,
  slotScheme: 'none',
  partitions: A_ONLY_PARTITIONS,
  usb: {
    ...NUBIA_USB,
    system: { vendorId: 0x19d2, productId: 0xffc1, productName: 'NX659J' },
    recovery: { vendorId: 0x18d1, productId: 0xd001, productName: 'NX659J' },
  },
  fastboot: {
    ...NX679J_FASTBOOT,
    replyBytes: 64,
    maxDownload: 536870912,
    commands: NX679J_COMMANDS.filter((command) => command !== 'set_active' && command !== 'reboot-fastboot'),
    variables: NX679J_VARIABLES.filter((name) => !ABOUT_SLOTS.test(name)),
    constants: { ...NX679J_FASTBOOT.constants, 'version-bootloader': 'NX659J-sim-1' },
  },
  edl: NX659J_EDL,
}

/** One LUN, as eMMC has it. */
const EMMC_PARTITIONS: readonly PartitionProfile[] = [
  slottedPartition('xbl', 0, 512 * KIB, { verification: 'firmware', critical: true }),
  slottedPartition('abl', 0, 256 * KIB, { verification: 'firmware', critical: true }),
  slottedPartition('modem', 0, MIB, { verification: 'hash' }),
  slottedPartition('boot', 0, 2 * MIB, { verification: 'hash' }),
  slottedPartition('dtbo', 0, 512 * KIB, { verification: 'hash' }),
  slottedPartition('vbmeta', 0, 64 * KIB, { verification: 'vbmeta' }),
  onePartition('devinfo', 0, 4 * KIB),
  onePartition('modemst1', 0, 256 * KIB),
  onePartition('modemst2', 0, 256 * KIB),
  onePartition('fsg', 0, 256 * KIB),
  onePartition('fsc', 0, 128 * KIB),
  onePartition('persist', 0, MIB),
  onePartition('misc', 0, MIB),
  slottedPartition('system', 0, 6 * MIB, { verification: 'hashtree', type: 'ext4' }),
  slottedPartition('vendor', 0, 3 * MIB, { verification: 'hashtree', type: 'ext4' }),
  onePartition('userdata', 0, 16 * MIB, { type: 'ext4' }),
]

/** In the manner of a Blade with an MSM8953 (zte-domain §1.1): which slots it has is this model's own, real ones differ. */
export const EMMC_AB: TerminalProfile = {
  id: 'emmc-ab',
  title: 'ZTE Blade with eMMC (MSM8953), Qualcomm, A/B',
  product: 'P671F20',
  aliases: ['P671F20', 'ZTE Blade V9'],
  sectorSize: 512,
  slotScheme: 'qualcomm-gpt',
  partitions: EMMC_PARTITIONS,
  usb: {
    ...NUBIA_USB,
    rom: { ...QUALCOMM_USB.rom, productName: 'QUSB_BULK_CID:0000_SN:00000000' },
    system: { vendorId: 0x19d2, productId: 0x1351, productName: 'ZTE Blade V9' },
    recovery: { vendorId: 0x18d1, productId: 0xd001, productName: 'ZTE Blade V9' },
  },
  fastboot: {
    ...NX679J_FASTBOOT,
    replyBytes: 64,
    maxDownload: 536870912,
    constants: { ...NX679J_FASTBOOT.constants, variant: 'MSM eMMC', 'version-bootloader': 'P671F20-sim-1' },
  },
  edl: MSM8953_EDL,
}
