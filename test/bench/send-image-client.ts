// Sends one image file to one partition as the engine does, digest and all.
import { byteSourceImage } from '../../src/main/core/formats/raw-image.ts'
import type { Workshop } from '../../src/main/core/workshop.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { parseEndpoint } from '../../src/main/io/tcp/endpoint.ts'
import { connectFastbootTcp } from '../../src/main/io/tcp/fastboot-tcp.ts'
import { openFastbootSession } from '../../src/main/terminals/fastboot/session.ts'
import type { Sighting } from '../../src/main/terminals/types.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import { partitionName, type Sha256 } from '../../src/shared/units.ts'

export interface Sending {
  readonly endpoint: string
  readonly partition: string
  readonly path: string
}

/** Connecting, facts, the image, hanging up. @returns the digest of what was sent. */
export async function sendImageFile(
  { endpoint, partition, path }: Sending,
  workshop: Workshop,
): Promise<Sha256> {
  const io = { signal: new AbortController().signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }
  // Not found by looking first, because Google's fastboot does not look either.
  const found = parseEndpoint(endpoint)
  const sighting: Sighting = {
    ...{ bay: found.bay, mode: 'bootloader', protocol: 'fastboot', serial: undefined, product: undefined },
    ...{ usb: undefined, problem: undefined },
    open: (o) => connectFastbootTcp(found, o),
  }
  // The engine's hash thread runs since the package was verified; here it starts while the terminal is asked.
  const warm = workshop.sha256(new Uint8Array(1))
  const session = await openFastbootSession(sighting, io)
  await warm
  const file = await openFile(path)
  const target = partitionName(partition)
  await session.describe([partition.replace(/_[ab]$/, '')], io)
  const { sha256 } = await session.write(target, byteSourceImage(file), { ...io, workshop })
  await file.close()
  await session.close()
  return sha256
}
