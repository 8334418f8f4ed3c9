// Whether a package is for this terminal and may replace what runs on it (AOSP recovery install.cpp, CheckPackageMetadata).
import type { OtaMetadata } from '../../main/core/formats/ota-metadata.ts'
import { installedBuild } from '../adb/properties.ts'
import type { AdbMachine } from '../adb-service.ts'
import { UpdateRefused } from './refused.ts'

/** @throws UpdateRefused with the words for the screen. */
export function checkMetadata(metadata: OtaMetadata, machine: AdbMachine): void {
  const { product } = machine.profile
  const installed = installedBuild(machine)
  if (metadata.otaType !== 'AB')
    throw new UpdateRefused(`Package is of type ${metadata.otaType}, expected AB`)
  if (!metadata.preDevices.includes(product))
    throw new UpdateRefused(`Package is for product ${metadata.preDevices.join('|')} but expected ${product}`)
  if (metadata.preBuild !== undefined && metadata.preBuild !== installed.fingerprint)
    throw new UpdateRefused(
      `Package is for source build ${metadata.preBuild} but expected ${installed.fingerprint}`,
    )
  const { postTimestamp, downgrade } = metadata
  if (postTimestamp === undefined) throw new UpdateRefused('Package has no timestamp')
  if (postTimestamp < installed.timestamp && !downgrade)
    throw new UpdateRefused(
      'Update package is older than the current build, expected a build newer than timestamp',
    )
}
