// What EDL of one model is like, as data: its boot ROM, its chip, and the programmer that its maker has for it.
import type { LoaderVendor } from '../edl/loader-keys.ts'
import type { ProgrammerTraits } from '../edl/traits.ts'
import type { UsbIdentity } from './types.ts'

export interface SaharaProfile {
  readonly version: 2 | 3
  /** The boot ROM knows RESET_STATE_MACHINE (protocol 2.9 and newer). */
  readonly resetsStateMachine: boolean
  /** READ_DATA or READ_DATA64 (zte-domain §4.1). */
  readonly readBits: 32 | 64
  /** Most bytes that it asks for at once. */
  readonly readBytes: number
  /** Image ids it asks for, one after the other; the last one is the programmer. */
  readonly images: readonly number[]
  /** DONE_RESP after the last image: MSM8916 says 0 there too. */
  readonly lastDone: 0 | 1
  /** What a loader gets that does not belong to the chip: silence, a device that is gone, or a status (zte-domain §4.1 quirk e). */
  readonly badLoader: 'mute' | 'leaves-bus' | 'status'
  /** Client commands it does not know: 0xA on old ones, 2 or 2 and 3 on those of protocol 3. */
  readonly refuses: readonly number[]
  /** HELLO_RESP with reserved words that are not zero is not answered (RedMagic 10). */
  readonly strictReserved: boolean
  /** How often the hash is said in one answer. */
  readonly pkHashRepeats: number
}

export interface ChipProfile {
  readonly msmId: number
  readonly oemId: number
  readonly modelId: number
  readonly digest: 'sha256' | 'sha384'
  /** Fused: hash of the root certificate that loaders must chain to, lower-case hex. */
  readonly pkHash: string
}

export interface EdlProfile {
  readonly sahara: SaharaProfile
  readonly chip: ChipProfile
  /** Of the interface ff/ff: ff on old chips, 10 or 11 on newer ones (zte-domain §2.1). */
  readonly interfaceProtocol: 0xff | 0x10 | 0x11
  /** Whose loaders run on it. */
  readonly vendor: LoaderVendor
  readonly loaderBits: 32 | 64
  /** Name that its maker gives the loader. */
  readonly loaderName: string
  readonly programmer: ProgrammerTraits
  /** How it shows when its boot chain has crashed. */
  readonly crashdump: UsbIdentity
  /** As the storage names itself. */
  readonly storageName: string
}
