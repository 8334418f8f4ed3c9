// What rescue mode answers besides packages: a few properties, and the wipe of the user's data (AOSP minadbd_services.cpp).
import type { AdbContext } from '../adb/machine.ts'
import { propertiesOf } from '../adb/properties.ts'
import type { AdbStream } from '../adb/stream.ts'

const BATTERY = 'rescue.battery_level'
const ALLOWED = [
  BATTERY,
  'ro.build.date.utc',
  'ro.build.fingerprint',
  'ro.build.flavor',
  'ro.build.id',
  'ro.build.product',
  'ro.build.tags',
  'ro.build.version.incremental',
  'ro.product.device',
  'ro.product.vendor.device',
]

/** One value on a line of its own, an empty line for what is not told; without a name all of them, as getprop lists them. */
export async function serveRescueGetprop(
  context: AdbContext,
  stream: AdbStream,
  name: string,
): Promise<void> {
  const properties = propertiesOf(context)
  const query = (key: string) =>
    key === BATTERY ? String(context.machine.battery.percent) : (properties.get(key) ?? '')
  const told = ALLOWED.filter((key) => query(key) !== '').map((key) => `[${key}]: [${query(key)}]`)
  const text = name === '' ? told.join('\n') : ALLOWED.includes(name) ? query(name) : ''
  await stream.write(new Uint8Array(Buffer.from(`${text}\n`)))
}

/** @param request `userdata:<bytes of the answer>`. */
export async function serveRescueWipe(
  context: AdbContext,
  stream: AdbStream,
  request: string,
): Promise<void> {
  const { disk } = context.machine
  const userdata = disk.find('userdata')
  const wiped = /^userdata:8$/.test(request) && userdata !== undefined
  if (wiped) {
    context.screen('Wiping data...')
    await disk.erase(userdata)
    const metadata = disk.find('metadata')
    if (metadata !== undefined) await disk.erase(metadata)
    context.screen('Data wipe complete.')
  }
  await stream.write(new Uint8Array(Buffer.from(wiped ? 'DONEDONE' : 'FAILFAIL')))
}
