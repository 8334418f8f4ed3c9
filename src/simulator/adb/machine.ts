// What one conversation of the ADB daemon knows: the terminal, how it is to behave, and what outlasts the conversation.
import type { AdbMachine } from '../adb-service.ts'
import type { AdbBehaviour } from './behaviour.ts'
import type { Volumes } from './volumes.ts'

export interface AdbContext {
  readonly machine: AdbMachine
  readonly behaviour: AdbBehaviour
  /** Hosts that "always allow" was chosen for: base64 structs; they outlast a restart. */
  readonly trustedKeys: Set<string>
  /** Where an update goes. */
  readonly volumes: Volumes
  /** What the screen shows now. */
  screen(text: string): void
}
