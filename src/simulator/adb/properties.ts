// The property service: what `getprop` lists on the running system, in recovery, and where it fails on purpose.

import type { AdbMachine } from '../adb-service.ts'
import type { AdbBehaviour } from './behaviour.ts'
import type { AdbContext } from './machine.ts'

export type Properties = ReadonlyMap<string, string>

/** What is installed in the slot that was booted. */
export interface InstalledBuild {
  readonly fingerprint: string
  /** `YYYY-MM-DD`. */
  readonly securityPatch: string
  /** Seconds since 1970. */
  readonly timestamp: number
}

const SECURITY_PATCH = 'com.android.build.system.security_patch'

export function installedBuild({ booted }: Pick<AdbMachine, 'booted'>): InstalledBuild {
  const securityPatch = booted.properties.get(SECURITY_PATCH) ?? ''
  // The ROM factory dates builds by their security patch level too.
  const milliseconds = Date.parse(`${securityPatch}T00:00:00Z`)
  const timestamp = Number.isNaN(milliseconds) ? 0 : milliseconds / 1000
  return { fingerprint: booted.build ?? '', securityPatch, timestamp }
}

/** All properties at this moment, in the order of their names, with the planned faults. */
export function propertiesOf(context: AdbContext): Properties {
  const { machine, behaviour } = context
  const { mode } = machine
  const values: Record<string, string> = {
    ...productProperties(machine),
    ...buildProperties(installedBuild(machine)),
    ...bootProperties(machine, behaviour),
    ...(mode === 'system' ? systemProperties(behaviour, Date.now() - machine.booted.at) : {}),
    ...(mode === 'rescue' || mode === 'sideload' ? { 'sys.usb.config': mode } : {}),
    ...behaviour.properties.replaced,
  }
  for (const name of behaviour.properties.missing ?? []) delete values[name]
  return new Map(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What the banner of a connection carries. */
export function productProperties({ profile }: Pick<AdbMachine, 'profile'>): Record<string, string> {
  const { product, aliases } = profile
  const brand = /^NX/.test(product) ? 'nubia' : 'ZTE'
  return {
    'ro.product.brand': brand,
    'ro.product.manufacturer': brand,
    'ro.product.model': aliases[0] ?? product,
    'ro.product.name': product,
    'ro.product.device': product,
    'ro.product.board': product,
    'ro.board.platform': profile.slotScheme === 'bootctl-misc' ? 'ums9230' : 'taro',
  }
}

function buildProperties({ fingerprint, securityPatch, timestamp }: InstalledBuild): Record<string, string> {
  // brand/product/device:release/id/incremental:type/tags, where a build has such a name.
  const full = /^[^/]+\/[^/]+\/[^:/]+:([^/]+)\/([^/]+)\/([^:]+):/.exec(fingerprint)
  return {
    'ro.build.fingerprint': fingerprint,
    'ro.build.display.id': full?.[2] ?? fingerprint,
    'ro.build.version.release': full?.[1] ?? '12',
    'ro.build.version.incremental': full?.[3] ?? fingerprint.replace(/[^A-Za-z0-9.]/g, ''),
    'ro.build.version.security_patch': securityPatch,
    'ro.build.date.utc': String(timestamp),
    'ro.build.type': 'user',
    'ro.debuggable': '0',
  }
}

function bootProperties(machine: AdbMachine, { auth }: AdbBehaviour): Record<string, string> {
  const { profile, serial, disk, mode, unlocked } = machine
  const { slot } = machine.booted
  const dynamic = disk.find('super') !== undefined
  return {
    'ro.boot.hardware': profile.slotScheme === 'bootctl-misc' ? 'ums9230' : 'qcom',
    ...(serial === undefined ? {} : { 'ro.serialno': serial, 'ro.boot.serialno': serial }),
    ...(slot === undefined ? {} : { 'ro.boot.slot_suffix': `_${slot}`, 'ro.build.ab_update': 'true' }),
    'ro.boot.verifiedbootstate': unlocked ? 'orange' : 'green',
    'ro.boot.flash.locked': unlocked ? '0' : '1',
    'ro.boot.vbmeta.device_state': unlocked ? 'unlocked' : 'locked',
    ...(dynamic ? { 'ro.boot.dynamic_partitions': 'true' } : {}),
    ...(dynamic && slot !== undefined ? { 'ro.virtual_ab.enabled': 'true' } : {}),
    'ro.bootmode': mode === 'system' ? 'unknown' : mode === 'charging' ? 'charger' : 'recovery',
    'ro.adb.secure': auth === 'none' ? '0' : '1',
  }
}

/** `sys.boot_completed` and `dev.bootcomplete` are absent until they are 1 (AOSP). @param elapsed ms since the system came up. */
function systemProperties({ boot }: AdbBehaviour, elapsed: number): Record<string, string> {
  const { ms, fails } = boot
  const up = fails === undefined && elapsed >= ms
  // A restarting zygote takes the boot animation and the service state along.
  const zygote = fails === 'zygote-loop' && Math.floor(elapsed / 1000) % 2 === 1 ? 'restarting' : 'running'
  return {
    'init.svc.adbd': 'running',
    'init.svc.zygote': zygote,
    'init.svc.bootanim': up ? 'stopped' : 'running',
    ...(up ? { 'sys.boot_completed': '1', 'dev.bootcomplete': '1' } : {}),
    'gsm.version.baseband': 'MPSS.DE.2.0-sim-1',
    'gsm.sim.state': 'ABSENT,ABSENT',
    'gsm.operator.alpha': ',',
    'sys.usb.config': 'mtp,adb',
  }
}
