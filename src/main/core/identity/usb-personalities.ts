// Every USB personality that ZTE terminals are known to show, by vendor and product id (zte-domain §2.1, §2.3). Data only.
import type { Certainty, Recognised, Way } from '../../../shared/recognised.ts'

/** A row of the table; what several ids share is said once. */
export interface Personality extends Omit<Recognised, 'id' | 'way'> {
  readonly id: string
  readonly way?: Way
  /** vendor:product, lower-case hexadecimal. */
  readonly usb: readonly string[]
  /** The id stands for a set of functions with ADB among them. */
  readonly promisesAdb?: true
}

const act = (words: string) => ({ words, information: false })
/** What is known of other tools; Slotbench does not send it. */
const info = (words: string) => ({ words, information: true })

const TO_BOOTLOADER_BY_ADB: Way = {
  to: 'bootloader',
  guide: 'bootloader',
  software: [act('ADB answers here: `adb reboot bootloader`, or `adb reboot edl`')],
}
const USB_DEBUGGING: Way = { to: 'system', guide: 'system-adb', software: [] }
const OUT_OF_DOWNLOAD: Way = { to: 'bootloader', guide: 'leave-download', software: [] }
const OUT_OF_CRASH: Way = { to: 'edl', guide: 'leave-crashdump', software: [] }
const FACTORY_BY_HTTP = info(
  'GET http://192.168.0.1/goform/goform_process?goformId=MODE_SWITCH&switchCmd=FACTORY with Referer …/index.html, to 19d2:0016; newer firmware lacks it',
)
const ADB_BY_HTTP = info(
  'GET http://192.168.0.1/goform/goform_set_cmd_process?goformId=USB_MODE_SWITCH&usb_mode=6 with Referer …/index.html (1 on some models)',
)
const ADB_BY_AT = info('on its AT port: AT+ZMODE=1')
const DOWNLOAD_BY_DIAG = info('on its diag port, HDLC-framed: 4b 65 01 00 (to Sahara) or 3a (to 19d2:0076)')
const MODEM_TO_ADB: Way = { to: 'system', software: [ADB_BY_HTTP, FACTORY_BY_HTTP, ADB_BY_AT] }

/** Three shapes recur: Android without USB debugging, Android with it by its id, a modem. */
const android = (
  id: string,
  usb: readonly string[],
  functions: string,
  certainty: Certainty,
): Personality => ({
  id,
  usb,
  mode: 'system',
  name: `Android (${functions})`,
  explanation: `The running system, with ${functions} on USB and without ADB. Nothing can be read or changed before USB debugging is on.`,
  certainty,
  way: USB_DEBUGGING,
})
const androidWithAdb = (
  id: string,
  usb: readonly string[],
  functions: string,
  maker: string,
): Personality => ({
  id,
  usb,
  mode: 'system',
  name: `Android (${functions}, ADB)`,
  explanation: `The running system of a ${maker}, with ${functions} and USB debugging.`,
  certainty: 'certain',
  way: TO_BOOTLOADER_BY_ADB,
  promisesAdb: true,
})
const modem = (id: string, usb: string, name: string, explanation: string, way?: Way): Personality => ({
  id,
  usb: [usb],
  mode: 'modem',
  name,
  explanation,
  certainty: 'likely',
  ...(way !== undefined && { way }),
})

export const PERSONALITIES: readonly Personality[] = [
  {
    id: 'qualcomm-edl',
    usb: ['05c6:9008'],
    mode: 'edl',
    name: 'Qualcomm EDL',
    explanation:
      'Emergency download of the boot ROM (Sahara), or a Firehose programmer that is running already.',
    certainty: 'certain',
  },
  {
    id: 'foreign-edl',
    usb: ['3801:9008'],
    mode: 'edl',
    name: 'Qualcomm EDL of another maker',
    explanation:
      'Emergency download of a device that is not by ZTE (comma hardware). Slotbench has nothing for it.',
    certainty: 'certain',
  },
  {
    id: 'qualcomm-crashdump',
    usb: ['05c6:900e'],
    mode: 'crashdump',
    name: 'Qualcomm crash dump (900E)',
    explanation: 'The boot chain crashed and offers its memory. It cannot be written here.',
    certainty: 'certain',
    way: OUT_OF_CRASH,
  },
  {
    id: 'qualcomm-memory-debug',
    usb: ['05c6:9006'],
    mode: 'crashdump',
    name: 'Qualcomm memory debug (9006)',
    explanation:
      'The storage or the memory is shown as a disk after a crash. Never format what the system offers to format.',
    certainty: 'certain',
    way: OUT_OF_CRASH,
  },
  {
    id: 'qualcomm-diag',
    usb: ['05c6:9025', '05c6:901d', '05c6:90db', '05c6:9091', '05c6:9092', '05c6:676c'],
    mode: 'unknown',
    name: 'Qualcomm diagnostic composite',
    explanation: 'A running system, or the modem of one, with diagnostic ports and without ADB.',
    certainty: 'likely',
    way: { to: 'system', guide: 'system-adb', software: [DOWNLOAD_BY_DIAG] },
  },
  {
    id: 'zte-dfu',
    usb: ['19d2:0076'],
    mode: 'modem',
    name: 'ZTE download mode (DFU)',
    explanation:
      'Download mode of ZTE modems and old phones. It can be a trap: the jump from here to EDL has hung on some models (Axon M).',
    certainty: 'certain',
    way: OUT_OF_DOWNLOAD,
  },
  {
    id: 'zte-memory-dump',
    usb: ['19d2:0112'],
    mode: 'crashdump',
    name: 'ZTE memory dump (QHSUSB__BULK)',
    explanation:
      'The boot chain crashed: Sahara runs in its memory-debug mode, in which nothing can be written.',
    certainty: 'likely',
    way: OUT_OF_CRASH,
  },
  {
    id: 'zte-factory',
    usb: ['19d2:0016'],
    mode: 'modem',
    name: 'ZTE modem in factory mode',
    explanation: 'Diagnostic and AT ports of a modem.',
    certainty: 'certain',
    way: {
      to: 'system',
      software: [
        info('on its AT port: AT+ZMODE=1 switches ADB on, AT+ZCDRUN=F leaves factory mode'),
        DOWNLOAD_BY_DIAG,
      ],
    },
  },
  {
    id: 'zte-ftm',
    usb: ['19d2:0500'],
    mode: 'unknown',
    name: 'ZTE factory test mode (FTM)',
    explanation: 'The small test system of a phone. ADB works in it on most models, here it is not visible.',
    certainty: 'likely',
    way: { to: 'edl', guide: 'ftm', software: [act('once ADB answers: `adb reboot edl`')] },
  },
  {
    id: 'zxic-download',
    usb: ['19d2:0256'],
    mode: 'zxic',
    name: 'ZX297520V3 boot ROM (download)',
    explanation:
      'The boot ROM of a Sanechips/ZXIC modem chip waits for a loader. Slotbench recognises it and does not write it.',
    certainty: 'certain',
    way: { to: 'modem', guide: 'leave-download', software: [] },
  },
  modem(
    'zte-modem-rndis',
    '19d2:1403',
    'ZTE modem (web, RNDIS)',
    'A hotspot or modem as a network card, its usual personality, without ADB.',
    MODEM_TO_ADB,
  ),
  {
    id: 'zte-modem-adb',
    usb: ['19d2:1404'],
    mode: 'modem',
    name: 'ZTE modem (network, ADB)',
    explanation: 'A hotspot or modem as a network card that has ADB by its id; its interface is not visible.',
    certainty: 'likely',
    way: TO_BOOTLOADER_BY_ADB,
  },
  modem(
    'zte-modem-qmi',
    '19d2:1402',
    'ZTE modem (QMI)',
    'A modem driven by the host through QMI.',
    MODEM_TO_ADB,
  ),
  modem(
    'zte-modem-network',
    '19d2:1405',
    'ZTE modem (network)',
    'A modem as a network card, in another personality than 1403.',
    MODEM_TO_ADB,
  ),
  modem(
    'zte-modem-mbim',
    '19d2:9994',
    'ZTE modem (MBIM)',
    'A modem driven by the host through MBIM.',
    MODEM_TO_ADB,
  ),
  modem('zte-p685m', '19d2:1275', 'ZTE module P685M', 'The modem module of an MF289F router (SDX24).'),
  modem('zte-mf286a', '19d2:1432', 'ZTE MF286A modem', 'The modem inside an MF286A router (MDM9230).'),
  modem('zte-mf286d', '19d2:1485', 'ZTE MF286D or MF289D modem', 'The modem inside the router (MDM9250).'),
  modem(
    'zte-mf286r',
    '19d2:1489',
    'ZTE MF286R modem',
    'The modem inside an MF286R router (Marvell PXA1826; it has no EDL).',
  ),
  {
    id: 'zte-zerocd',
    usb: ['19d2:2000', '19d2:2004', '19d2:0150'],
    mode: 'modem',
    name: 'ZTE install disc (ZeroCD)',
    explanation:
      'The modem shows only its driver disc; ejecting the disc switches it to its real personality.',
    certainty: 'likely',
    way: {
      to: 'modem',
      software: [
        info('eject the disc: `eject /dev/srN` on Linux, or from the file manager'),
        info('SCSI command 86 “zte” 80 with a flag of 0–3 switches ADB on'),
      ],
    },
  },
  androidWithAdb('blade-mtp-adb', ['19d2:0306'], 'file transfer', 'ZTE Blade'),
  androidWithAdb('blade-ptp-adb', ['19d2:0310'], 'pictures', 'ZTE Blade'),
  androidWithAdb('blade-cd-adb', ['19d2:0501'], 'driver disc', 'ZTE Blade'),
  androidWithAdb('blade-charging-adb', ['19d2:1352'], 'charging only', 'ZTE Blade'),
  androidWithAdb('blade-rndis-adb', ['19d2:1373'], 'tethering', 'ZTE Blade'),
  androidWithAdb('blade-adb', ['19d2:1351', '19d2:1354'], 'mass storage', 'old ZTE Blade'),
  android('blade-normal', ['19d2:1353', '19d2:1355'], 'mass storage', 'certain'),
  androidWithAdb(
    'nubia-diag-storage-adb',
    ['19d2:ffc0', '19d2:ffb0', '19d2:ffb2'],
    'diagnostics, mass storage',
    'nubia or RedMagic',
  ),
  androidWithAdb('nubia-adb', ['19d2:ffc1'], 'no other function', 'nubia or RedMagic'),
  androidWithAdb('nubia-modem-adb', ['19d2:ffc7', '19d2:ffc9'], 'modem ports', 'nubia or RedMagic'),
  androidWithAdb('nubia-rndis-adb', ['19d2:ffcb'], 'tethering', 'nubia or RedMagic'),
  androidWithAdb('nubia-storage-adb', ['19d2:ffcd'], 'mass storage', 'nubia or RedMagic'),
  androidWithAdb('nubia-mtp-adb', ['19d2:ffcf'], 'file transfer', 'nubia or RedMagic'),
  androidWithAdb('nubia-ptp-adb', ['19d2:ffd1'], 'pictures', 'nubia or RedMagic'),
  {
    id: 'unisoc-download',
    usb: ['1782:4d00'],
    mode: 'unisoc',
    name: 'Unisoc download (boot ROM, FDL1 or FDL2)',
    explanation:
      'The boot ROM of a Unisoc chip, or a loader that it was given: all three share one id. Slotbench recognises it and does not write it.',
    certainty: 'certain',
    way: OUT_OF_DOWNLOAD,
  },
  android('unisoc-mtp', ['1782:4001'], 'file transfer', 'likely'),
  android('unisoc-composite', ['1782:4002', '1782:4003', '1782:4012'], 'AT and diagnostic ports', 'likely'),
  {
    id: 'mediatek-bootrom',
    usb: ['0e8d:0003'],
    mode: 'mediatek',
    name: 'MediaTek boot ROM',
    explanation:
      'The boot ROM of a MediaTek chip; its window after plugging in is about 0.3 s. Slotbench recognises it and does not write it.',
    certainty: 'certain',
    way: OUT_OF_DOWNLOAD,
  },
  {
    id: 'mediatek-preloader',
    usb: ['0e8d:2000', '0e8d:2001', '0e8d:20ff', '0e8d:3000', '0e8d:6000'],
    mode: 'mediatek',
    name: 'MediaTek preloader',
    explanation:
      'The preloader or a download agent of a MediaTek chip. Left alone it starts the system after a moment. Slotbench recognises it and does not write it.',
    certainty: 'certain',
    way: OUT_OF_DOWNLOAD,
  },
  {
    id: 'google-fastboot',
    usb: ['18d1:d00d', '18d1:4ee0'],
    mode: 'unknown',
    name: 'Fastboot, by its id',
    explanation: 'An id that bootloaders use for fastboot; the fastboot interface itself is not visible.',
    certainty: 'guess',
    way: { to: 'bootloader', guide: 'bootloader', software: [] },
  },
  android('google-mtp', ['18d1:4ee1'], 'file transfer', 'likely'),
  android('google-rndis', ['18d1:4ee3'], 'tethering', 'likely'),
  android('google-ptp', ['18d1:4ee5'], 'pictures', 'likely'),
  androidWithAdb(
    'google-adb',
    ['18d1:4ee2', '18d1:4ee4', '18d1:4ee6', '18d1:4ee7'],
    'one of Google’s composites',
    'terminal',
  ),
]
