// The commands of a Firehose programmer; each gives its response, or throws a Refusal with the words of its NAK (zte-domain §4.2.3).
import type { Answer, Execution } from './programmer.ts'
import { receiveData } from './raw-data.ts'
import { Refusal, type Sectors } from './sector-storage.ts'

type Command = (execution: Execution) => Promise<Answer>

const ACK: Answer = { value: 'ACK', attributes: { rawmode: 'false' } }
/** Bytes of one transfer of `read`, where no payload was negotiated to write with. */
const READ_PIECE = 64 * 1024
const PAYLOAD_FROM_TARGET = 8192
const MOST_PATCH_BYTES = 8n
const MOST_DELAY_SECONDS = 60

export const COMMANDS: Readonly<Record<string, Command>> = {
  nop: async ({ documents }) => {
    documents.log('INFO: Received NOP')
    return ACK
  },
  configure,
  getstorageinfo: storageInfo,
  program,
  read,
  erase,
  patch,
  getsha256digest: digest,
  setbootablestoragedrive: setBootable,
  power,
}

async function configure({ programmer, command, documents, storage }: Execution): Promise<Answer> {
  const { traits } = programmer.parts
  const attribute = (name: string) => command.attributes.get(name)
  documents.log('INFO: Calling handler for configure')
  if (traits.oem !== null && attribute('oem') !== traits.oem) {
    documents.log(`INFO: Tool doesn't come from ${traits.oem}`)
    throw new Refusal(`Non-${traits.oem} tool`)
  }
  const named = attribute('memoryname')?.toLowerCase() ?? traits.memory
  const right = named === traits.memory
  if (!right && attribute('skipstorageinit') !== '1') throw new Refusal(wrongMemory(named))
  const wanted = Number(attribute('maxpayloadsizetotargetinbytes') ?? traits.maxPayload)
  if (!Number.isSafeInteger(wanted) || wanted <= 0 || wanted % storage.sectorSize !== 0)
    throw new Refusal(`MaxPayloadSizeToTargetInBytes ${wanted} is not allowed`)
  const limits = (payload: number) => ({
    MinVersionSupported: '1',
    MemoryName: traits.memory === 'ufs' ? 'UFS' : 'eMMC',
    MaxPayloadSizeFromTargetInBytes: String(PAYLOAD_FROM_TARGET),
    MaxPayloadSizeToTargetInBytes: String(payload),
    MaxPayloadSizeToTargetInBytesSupported: String(traits.maxPayload),
    MaxXMLSizeInBytes: String(traits.maxXml),
    Version: '1',
    TargetName: traits.target,
    DateTime: 'Nov 25 2026 - 12:00:00',
  })
  if (traits.maxPayload > 0 && wanted > traits.maxPayload) {
    documents.log(
      `WARN: NAK: MaxPayloadSizeToTargetInBytes sent by host ${wanted} larger than supported ${traits.maxPayload}`,
    )
    return { value: 'NAK', attributes: limits(traits.maxPayload) }
  }
  const payload = Math.min(wanted, traits.maxPayload)
  const zlpAware = attribute('zlpawarehost') === '1'
  programmer.settled = { payload, zlpAware, storageUp: right }
  return { value: 'ACK', attributes: limits(payload) }
}

/** What the drivers of the other storage say when it is not there (zte-domain §4.2.2). */
function wrongMemory(named: string): string {
  switch (named) {
    case 'emmc':
      return 'Failed to open the SDCC Device slot 0 partition 0'
    case 'ufs':
      return 'Failed to initialize (open whole lun) UFS Device slot 0 partition 0'
    case 'nand':
      return 'Failed to set the IO options'
    default:
      return `Unsupported MemoryName ${named}`
  }
}

/** The programmer as it must be for work on the storage. @throws Refusal. */
function ready({ programmer, storage, command }: Execution) {
  const { settled } = programmer
  if (!settled) throw new Refusal('storage is not initialised: configure comes first')
  if (!settled.storageUp)
    throw new Refusal(wrongMemory(programmer.parts.traits.memory === 'ufs' ? 'emmc' : 'ufs'))
  const lun = Number(command.attributes.get('physical_partition_number') ?? '0')
  storage.sectorsOf(lun)
  return { lun, ...settled }
}

/** @throws Refusal for a peek loader. */
function mayWrite(execution: Execution) {
  const { payload, lun } = ready(execution)
  if (payload === 0) throw new Refusal(`${execution.command.tag} is not supported by this loader`)
  return { payload, lun }
}

/** The sectors that a command names.
 * @throws Refusal when there are none such, or the host takes sectors for another size than they have (zte-domain §4.2.4). */
async function sectors({ command, storage }: Execution, lun: number): Promise<Sectors> {
  const { attributes } = command
  checkSectorSize(attributes.get('sector_size_in_bytes'), storage.sectorSize)
  const [start, count] = [attributes.get('start_sector'), attributes.get('num_partition_sectors')]
  if (start === undefined || count === undefined)
    throw new Refusal(`${command.tag} needs start_sector and num_partition_sectors`)
  return storage.range(lun, start, count)
}

function checkSectorSize(text: string | undefined, actual: number): void {
  if (text !== undefined && Number(text) !== actual)
    throw new Refusal(`sector size ${text} bytes different from device sector size (${actual})`)
}

async function storageInfo(execution: Execution): Promise<Answer> {
  const { programmer, documents, storage } = execution
  const { lun } = ready(execution)
  const { edl, traits, chipSerial } = programmer.parts
  const hex = (n: number) => `0x${n.toString(16)}`
  documents.log(`INFO: Device Total Logical Blocks: ${hex(storage.sectorsOf(lun))}`)
  documents.log(`INFO: Device Block Size in Bytes: ${hex(storage.sectorSize)}`)
  documents.log(`INFO: Device Total Physical Partitions: ${hex(storage.lunCount)}`)
  documents.log('INFO: Device Manufacturer ID: 0x1ce')
  documents.log(`INFO: Device Serial Number: ${hex(chipSerial ^ STORAGE_SERIAL)}`)
  if (traits.storageInfo === 'json') {
    const info = {
      total_blocks: storage.sectorsOf(lun),
      block_size: storage.sectorSize,
      page_size: storage.sectorSize,
      num_physical: storage.lunCount,
      manufacturer_id: 0x1ce,
      serial_num: (chipSerial ^ STORAGE_SERIAL) >>> 0,
      fw_version: '0300',
      mem_type: traits.memory === 'ufs' ? 'UFS' : 'eMMC',
      prod_name: edl.storageName,
    }
    documents.log(`INFO: {"storage_info": ${JSON.stringify(info)}}`)
  } else documents.log(`INFO: Device Product Name: ${edl.storageName}`)
  return ACK
}

/** Makes the serial number of the storage out of that of the chip, so that no two terminals share one. */
const STORAGE_SERIAL = 0x2c71

async function program(execution: Execution): Promise<Answer> {
  const { programmer, documents, wire, storage, faults } = execution
  const { payload, lun } = mayWrite(execution)
  const target = await sectors(execution, lun)
  const size = target.count * storage.sectorSize
  documents.log(`INFO: start ${target.start}, num ${target.count}`)
  await documents.respond({ value: 'ACK', attributes: { rawmode: 'true' } })
  const failure = await receiveData(wire, programmer.parts.traits, {
    ...{ size, payload },
    store: (offset, bytes) => storage.write(target, offset, bytes),
  })
  if (failure) throw failure
  if (faults.refuseAfterData !== undefined) throw new Refusal(faults.refuseAfterData)
  documents.log(`INFO: Finished sector address ${target.start + target.count}`)
  return ACK
}

async function read(execution: Execution): Promise<Answer> {
  const { documents, storage, faults } = execution
  const { lun, payload } = ready(execution)
  const source = await sectors(execution, lun)
  const size = source.count * storage.sectorSize
  await documents.respond({ value: 'ACK', attributes: { rawmode: 'true' } })
  const piece = payload > 0 ? payload : READ_PIECE
  for (let at = 0; at < size; at += piece)
    await documents.data(await storage.read(source, at, Math.min(piece, size - at)))
  if (faults.refuseAfterData !== undefined) throw new Refusal(faults.refuseAfterData)
  return ACK
}

/** Without a range it is the whole LUN, as with real ones (zte-domain §4.2.3). */
async function erase(execution: Execution): Promise<Answer> {
  const { command, storage } = execution
  const { lun } = mayWrite(execution)
  const { attributes } = command
  checkSectorSize(attributes.get('sector_size_in_bytes'), storage.sectorSize)
  const whole = { lun, start: 0, count: storage.sectorsOf(lun) }
  const ranged = attributes.has('start_sector') && attributes.has('num_partition_sectors')
  await storage.erase(ranged ? await sectors(execution, lun) : whole)
  return ACK
}

/** Reads, changes and writes the sectors that the value lies in. */
async function patch(execution: Execution): Promise<Answer> {
  const { command, storage } = execution
  const { lun } = mayWrite(execution)
  const { attributes } = command
  checkSectorSize(attributes.get('sector_size_in_bytes'), storage.sectorSize)
  const number = (name: string) => storage.number(lun, attributes.get(name) ?? '')
  const target = attributes.get('filename')
  if (target !== 'DISK') throw new Refusal(`patch of ${target ?? 'nothing'}: only DISK can be patched`)
  const [size, at, start] = [
    await number('size_in_bytes'),
    await number('byte_offset'),
    await number('start_sector'),
  ]
  if (size < 1n || size > MOST_PATCH_BYTES) throw new Refusal('patch size too large')
  const sector = start + at / BigInt(storage.sectorSize)
  const within = Number(at % BigInt(storage.sectorSize))
  const count = within + Number(size) > storage.sectorSize ? 2 : 1
  const place = await storage.range(lun, String(sector), String(count))
  const value = await number('value')
  const bytes = await storage.read(place, 0, count * storage.sectorSize)
  for (let i = 0; i < Number(size); i++) bytes[within + i] = Number((value >> BigInt(8 * i)) & 0xffn)
  await storage.write(place, 0, bytes)
  return ACK
}

async function digest(execution: Execution): Promise<Answer> {
  const { programmer, documents, storage } = execution
  const { traits } = programmer.parts
  const { lun } = ready(execution)
  const range = await sectors(execution, lun)
  const hex = (await storage.digest(range, traits.digestBytesPerSecond)).toUpperCase()
  if (traits.digestIn === 'response') return { value: 'ACK', attributes: { rawmode: 'false', Digest: hex } }
  documents.log(`INFO: Hash start sector ${range.start} num sectors ${range.count}`)
  documents.log(`INFO: Digest: ${hex}`)
  return ACK
}

/** UFS: the boot LUN that the boot ROM reads from then on; eMMC has one and takes 0 (zte-domain §4.2.3). */
async function setBootable(execution: Execution): Promise<Answer> {
  const { programmer, command, documents, storage } = execution
  mayWrite(execution)
  const value = Number(command.attributes.get('value'))
  const { bootLuns } = programmer.parts
  const i = bootLuns ? bootLuns.indexOf(value) : -1
  if (!bootLuns ? value !== 0 : i < 0) throw new Refusal(`Failed to set bootable storage drive to ${value}`)
  if (bootLuns) await storage.setBootLun(i === 0 ? 'a' : 'b')
  documents.log(`INFO: Set bootable drive to ${value}.`)
  return ACK
}

async function power({ command }: Execution): Promise<Answer> {
  const seconds = Number(command.attributes.get('delayinseconds') ?? '0')
  const afterSeconds = Math.min(Number.isFinite(seconds) ? seconds : 0, MOST_DELAY_SECONDS)
  switch (command.attributes.get('value')) {
    case 'reset':
      return { ...ACK, leave: { to: 'system', afterSeconds } }
    case 'off':
      return { ...ACK, leave: { to: 'off', afterSeconds } }
    case 'reset_to_edl':
      return { ...ACK, leave: { to: 'edl', afterSeconds } }
    default:
      throw new Refusal(`Unknown power value ${command.attributes.get('value')}`)
  }
}
