// Partitions that belong to one single terminal: radio calibration, identity, keys. No package may write them (design, rule 7).

/** Base names or families: Qualcomm modem NV and persist; MediaTek NV; Unisoc `l_`/`nr_` NV (spd_dump author: "don't touch l_* and nr_*");
 * ZTE's `ztecfg`, signed and bound to one UFS chip. */
const EXACT: ReadonlySet<string> = new Set([
  'modemst1',
  'modemst2',
  'fsg',
  'fsc',
  'persist',
  'persistbak',
  'ztecfg',
  'devinfo',
  'frp',
  'nvram',
  'nvdata',
  'nvcfg',
  'protect1',
  'protect2',
  'protect_f',
  'protect_s',
  'proinfo',
  'prodnv',
  'miscdata',
  'sec1',
  'seccfg',
  'keystore',
  'ssd',
  'efs',
  'efs2',
  'efs2bak',
])
const FAMILIES = [/^l_/, /^nr_(fixnv|runtimenv|deltanv)/, /^modemst\d$/]

export function isProtected(base: string): boolean {
  return EXACT.has(base) || FAMILIES.some((family) => family.test(base))
}

/** Hold the user's data or the terminal's own state; a full ROM is complete without them. */
const USER_DATA: ReadonlySet<string> = new Set(['userdata', 'metadata', 'cache', 'misc'])

export function isUserData(base: string): boolean {
  return USER_DATA.has(base)
}

/** Code that runs before the bootloader can help: a terminal without slots that loses power here needs EDL. Written last. */
const BOOT_CHAIN =
  /^(xbl|xbl_config|xbl_ramdump|abl|aboot|sbl\d?|rpm|tz|hyp|devcfg|keymaster|uefi|uefisecapp|lk|preloader|spl|uboot|sml|trustos|teecfg|aop|aop_config|shrm|cpucp|qupfw|imagefv|multiimgoem|multiimgqti)$/

export function isBootChain(base: string): boolean {
  return BOOT_CHAIN.test(base)
}
