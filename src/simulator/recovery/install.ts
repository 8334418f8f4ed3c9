// Installs an OTA package: everything is checked, then the inactive slot is written, verified and made active.
import { createPublicKey } from 'node:crypto'
import { parseOtaMetadata, parsePayloadProperties } from '../../main/core/formats/ota-metadata.ts'
import { openZip, type ZipArchive } from '../../main/core/formats/zip.ts'
import type { ByteSource } from '../../main/core/source.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { otherSlot } from '../../shared/units.ts'
import type { SideloadFault } from '../adb/behaviour.ts'
import type { AdbContext } from '../adb/machine.ts'
import { StreamClosed } from '../adb/stream.ts'
import { LinkLost } from '../host-link.ts'
import { OTA_TEST_CERTIFICATE } from '../rom-factory/ota-test-key.ts'
import { PowerLost } from '../storage/storage.ts'
import { checkMetadata } from './package-check.ts'
import { applyPayload } from './payload-apply.ts'
import { readPayloadHead } from './payload-head.ts'
import { UpdateRefused } from './refused.ts'

const METADATA = 'META-INF/com/android/metadata'
const PROPERTIES = 'payload_properties.txt'
const PAYLOAD = 'payload.bin'
const MAX_TEXT = 1024 * 1024

/** @throws UpdateRefused; StreamClosed or LinkLost when the host goes; PowerLost. */
export async function installPackage(context: AdbContext, source: ByteSource): Promise<void> {
  try {
    await install(context, source)
  } catch (thrown) {
    const ending = endingBehind(thrown)
    if (ending !== undefined) throw ending
    // What the parsers say of a package that is none.
    if (thrown instanceof SlotbenchError) throw new UpdateRefused(thrown.message, { cause: thrown })
    throw thrown
  }
}

/** Parsers take any failure to read for a broken package; behind it may be a host that went, or the power. */
function endingBehind(thrown: unknown): unknown {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof PowerLost || error instanceof LinkLost || error instanceof StreamClosed) return error
  }
  return undefined
}

async function install(
  { machine, behaviour, volumes, screen }: AdbContext,
  source: ByteSource,
): Promise<void> {
  screen('Finding update package...')
  const zip = await openZip(source)
  screen('Verifying update package...')
  const refusal = behaviour.recovery.faults.find((fault) => fault.kind === 'refuse')
  if (refusal !== undefined) throw new UpdateRefused(REFUSALS[refusal.reason])
  checkMetadata(parseOtaMetadata(await textOf(zip, METADATA)), machine)
  const properties = parsePayloadProperties(await textOf(zip, PROPERTIES))
  const payload = await openStored(zip, PAYLOAD)
  if (properties.fileSize !== payload.size)
    throw new UpdateRefused(`FILE_SIZE is ${properties.fileSize}, not ${payload.size}`)
  const key = createPublicKey(OTA_TEST_CERTIFICATE)
  const head = await readPayloadHead(payload, properties, key)
  screen('Installing update...')
  const { slots, booted } = machine
  const target = booted.slot && otherSlot(booted.slot)
  // From here on the target is not to be booted, until all of it is there (update_engine, download_action.cc).
  if (target) await slots?.update(target, { retryCount: 0, successful: false, unbootable: true })
  const misfit = await volumes.prepare(target, layoutOf(head.manifest))
  if (misfit !== undefined) throw new UpdateRefused(misfit)
  const { fileSha256 } = properties
  await applyPayload({ payload, head, fileSha256, key, volumes, source: booted.slot, target })
  await volumes.finish(target)
  if (target) await slots?.setActive(target)
}

const REFUSALS: Readonly<Record<Extract<SideloadFault, { kind: 'refuse' }>['reason'], string>> = {
  signature: 'signature verification failed',
  model: 'Package is for another product',
  older: 'Update package is older than the current build',
}

type Manifest = Awaited<ReturnType<typeof readPayloadHead>>['manifest']

function layoutOf({ dynamic, partitions }: Manifest) {
  const groups = (dynamic?.groups ?? []).map(({ name = '', size = 0, partitionNames }) => ({
    ...{ name, size, partitions: partitionNames },
  }))
  return { groups, sizes: new Map(partitions.map(({ name = '', newInfo }) => [name, newInfo?.size ?? 0])) }
}

async function textOf(zip: ZipArchive, name: string): Promise<Uint8Array> {
  const member = zip.find(name)
  if (member === undefined || member.size > MAX_TEXT) throw new UpdateRefused(`the package has no ${name}`)
  return (await zip.open(member)).read(0, member.size)
}

/** A payload that is compressed within the package cannot be read in place, and is refused (install.cpp, SetUpAbUpdateCommands). */
async function openStored(zip: ZipArchive, name: string): Promise<ByteSource> {
  const member = zip.find(name)
  if (member === undefined || member.method !== 'stored')
    throw new UpdateRefused(`the package has no ${name} that can be read in place`)
  return zip.open(member)
}
