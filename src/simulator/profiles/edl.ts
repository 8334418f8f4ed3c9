// EDL of the simulated Qualcomm models. The PK hashes are those of the simulator's own root certificates: real ones belong to real keys.
import type { ProgrammerTraits } from '../edl/traits.ts'
import type { EdlProfile, SaharaProfile } from './edl-types.ts'
import type { UsbIdentity } from './types.ts'

/** SHA-256 and SHA-384 of the root certificates in edl/loader-keys.ts. */
const PK_HASH = {
  zte: 'f75733c73873ccb0ffe1ebb19de18cb35398274952870d2e1fa705321c4b32b2',
  ztemt: 'bea5b956f53da4192da6a8f257cf487266c9c2d41c8b26b6c08615d410466cc070ed685e1160d887e6a5a0afbda83866',
} as const

const ZTE_OEM = 0x0004
const ZTE_DUMP: UsbIdentity = { vendorId: 0x19d2, productId: 0x0112, productName: 'QHSUSB__BULK' }
const QUALCOMM_DUMP: UsbIdentity = { vendorId: 0x05c6, productId: 0x900e, productName: 'QUSB__BULK' }

const COMMANDS = [
  ...['program', 'read', 'nop', 'patch', 'configure', 'setbootablestoragedrive', 'erase', 'power'],
  ...['getstorageinfo', 'getsha256digest'],
]

/** As loaders of the flagships behave with Linaro's qdl. */
const UFS_PROGRAMMER: ProgrammerTraits = {
  target: 'SM8450',
  memory: 'ufs',
  maxPayload: 1024 * 1024,
  maxXml: 4096,
  oem: null,
  commands: COMMANDS,
  storageInfo: 'json',
  documents: 'apart',
  trailingLogs: false,
  zlp: 'at-payload-ends',
  digestIn: 'log',
  digestBytesPerSecond: 0,
  reenumeratesAfterMs: null,
  watchdogMs: 0,
}

const SAHARA: SaharaProfile = {
  version: 2,
  resetsStateMachine: true,
  readBits: 64,
  readBytes: 64 * 1024,
  images: [0x0d],
  lastDone: 1,
  badLoader: 'mute',
  refuses: [0x0a],
  strictReserved: false,
  pkHashRepeats: 1,
}

/** Signed with ECDSA P-384 (zte-domain §1.1). */
export const NX679J_EDL: EdlProfile = {
  sahara: SAHARA,
  chip: {
    msmId: 0x001ca0e1,
    oemId: ZTE_OEM,
    modelId: 0,
    digest: 'sha384',
    pkHash: PK_HASH.ztemt,
  },
  interfaceProtocol: 0x10,
  vendor: 'ztemt',
  loaderBits: 64,
  loaderName: 'prog_firehose_ddr.elf',
  programmer: UFS_PROGRAMMER,
  crashdump: ZTE_DUMP,
  storageName: 'KLUFG8RHGB-B0E1',
}

export const NX769J_EDL: EdlProfile = {
  ...NX679J_EDL,
  sahara: { ...SAHARA, version: 3, refuses: [2] },
  chip: { ...NX679J_EDL.chip, msmId: 0x0022a0e1 },
  loaderName: 'xbl_s_devprg_ns.melf',
  programmer: { ...UFS_PROGRAMMER, target: 'SM8650' },
}

/** The RedMagic 10 generation: its programmer comes up as another device, wants the maker's name, and takes a zero-length packet at
 * the very end only (zte-domain §0.2, §0.3, §4.2.6). */
export const NX789J_EDL: EdlProfile = {
  ...NX769J_EDL,
  sahara: { ...NX769J_EDL.sahara, refuses: [2, 3], strictReserved: true, badLoader: 'leaves-bus' },
  chip: { ...NX679J_EDL.chip, msmId: 0x0028c0e1 },
  interfaceProtocol: 0x11,
  programmer: {
    ...UFS_PROGRAMMER,
    target: 'SM8750',
    oem: 'ZTE',
    zlp: 'once-at-end',
    reenumeratesAfterMs: 20,
    watchdogMs: 8000,
  },
}

/** The RedMagic 5G's generation: a 64-bit boot ROM that says what is wrong with a loader. */
export const NX659J_EDL: EdlProfile = {
  ...NX679J_EDL,
  sahara: { ...SAHARA, badLoader: 'status', resetsStateMachine: false, pkHashRepeats: 3 },
  chip: { ...NX679J_EDL.chip, msmId: 0x000c30e1, digest: 'sha256', pkHash: PK_HASH.zte },
  interfaceProtocol: 0xff,
  vendor: 'zte8250',
  loaderName: 'prog_firehose_ddr.elf',
  programmer: {
    ...UFS_PROGRAMMER,
    target: '8250',
    commands: COMMANDS.filter((name) => name !== 'getsha256digest'),
  },
}

/** MSM8953 (zte-domain §1.1), an old boot ROM and loader: 32 bits, small pieces, text instead of JSON, logs behind the response. */
export const MSM8953_EDL: EdlProfile = {
  sahara: {
    ...SAHARA,
    ...{ readBits: 32, readBytes: 4096, resetsStateMachine: false, lastDone: 0, pkHashRepeats: 3 },
  },
  chip: { msmId: 0x000460e1, oemId: ZTE_OEM, modelId: 0, digest: 'sha256', pkHash: PK_HASH.zte },
  interfaceProtocol: 0xff,
  vendor: 'zte',
  loaderBits: 32,
  loaderName: 'prog_emmc_firehose_8953_ddr.mbn',
  programmer: {
    ...UFS_PROGRAMMER,
    target: '8953',
    memory: 'emmc',
    maxPayload: 16 * 1024,
    storageInfo: 'text',
    documents: 'joined',
    trailingLogs: true,
  },
  crashdump: QUALCOMM_DUMP,
  storageName: 'RX1BMB',
}
