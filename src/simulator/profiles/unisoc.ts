// A Unisoc A/B phone in the manner of the ZTE 8045 (UMS9230): eMMC, slots in misc, a bootloader that says little.
import { KIB, MIB, onePartition, slottedPartition } from './parts.ts'
import type { TerminalProfile } from './types.ts'

export const UNISOC_AB: TerminalProfile = {
  id: 'unisoc-ab',
  title: 'ZTE 8045 (UMS9230), Unisoc, A/B',
  product: 'P606F02',
  aliases: ['P606F02', 'ZTE 8045'],
  sectorSize: 512,
  slotScheme: 'bootctl-misc',
  partitions: [
    onePartition('prodnv', 0, MIB),
    onePartition('miscdata', 0, MIB),
    onePartition('misc', 0, MIB),
    onePartition('l_fixnv1', 0, 512 * KIB),
    onePartition('l_runtimenv1', 0, 512 * KIB),
    onePartition('persist', 0, MIB),
    onePartition('metadata', 0, MIB),
    slottedPartition('uboot', 0, 512 * KIB, { verification: 'firmware' }),
    slottedPartition('boot', 0, 2 * MIB, { verification: 'hash' }),
    slottedPartition('init_boot', 0, MIB, { verification: 'hash' }),
    slottedPartition('dtbo', 0, 512 * KIB, { verification: 'hash' }),
    slottedPartition('vbmeta', 0, 64 * KIB, { verification: 'vbmeta' }),
    slottedPartition('vbmeta_system', 0, 64 * KIB, { verification: 'vbmeta-chained' }),
    slottedPartition('system', 0, 6 * MIB, { verification: 'hashtree', describedBy: 'vbmeta_system' }),
    slottedPartition('vendor', 0, 3 * MIB, { verification: 'hashtree' }),
    slottedPartition('product', 0, 2 * MIB, { verification: 'hashtree', describedBy: 'vbmeta_system' }),
    onePartition('userdata', 0, 16 * MIB),
  ],
  usb: {
    bootloader: { vendorId: 0x1782, productId: 0x4ee0, productName: 'Unisoc Phone' },
    system: { vendorId: 0x1782, productId: 0x4003, productName: 'ZTE 8045' },
    recovery: { vendorId: 0x18d1, productId: 0xd001, productName: 'ZTE 8045' },
    // BROM, FDL1 and FDL2 share it (zte-domain §2.1).
    rom: { vendorId: 0x1782, productId: 0x4d00, productName: 'SPRD U2S Diag' },
    kernelDriver: true,
  },
  fastboot: {
    replyBytes: 64,
    maxDownload: 16 * MIB,
    maxDownloadAs: 'hex',
    commands: [
      ...['getvar', 'download', 'flash', 'erase', 'set_active', 'continue'],
      ...['reboot', 'reboot-bootloader', 'reboot-recovery'],
    ],
    // No slot-successful and the like, no partition-type, no battery (zte-domain §2.4: each getvar may fail or be empty).
    variables: [
      ...['version', 'product', 'serialno', 'secure', 'unlocked', 'max-download-size'],
      ...['slot-count', 'current-slot', 'has-slot:', 'partition-size:'],
    ],
    unknownVariable: 'empty',
    getvarAll: 'empty',
    slotAs: '_a',
    constants: { version: '0.4', secure: 'yes' },
  },
}
