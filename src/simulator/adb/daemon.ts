// The ADB daemon of one simulated terminal, as `SimulatedTerminal.create({ adb })` takes it.
import type { AdbDaemon, AdbMachine } from '../adb-service.ts'
import { superVolumes } from '../super/stage-update.ts'
import { type AdbBehaviourChanges, adbBehaviour } from './behaviour.ts'
import { AdbConnection } from './connection.ts'
import { physicalVolumes, type Volumes } from './volumes.ts'

export interface AdbDaemonOptions {
  readonly behaviour?: AdbBehaviourChanges | undefined
  /** Hosts that are trusted from the start (base64 structs of their keys); "always allow" adds to it. */
  readonly trustedKeys?: Set<string>
  /** Where an update goes; default where this terminal's partitions are. */
  readonly volumes?: (machine: AdbMachine) => Volumes
  /** What the screen shows, line by line. */
  readonly onScreen?: (text: string) => void
}

/** @returns a daemon for one terminal; it remembers trusted hosts from one start to the next. */
export function adbDaemon(options: AdbDaemonOptions = {}): AdbDaemon {
  const behaviour = adbBehaviour(options.behaviour)
  const { trustedKeys = new Set<string>(), onScreen = () => {} } = options
  const volumesOf = options.volumes ?? ownVolumes
  return (machine, link) => {
    const context = { machine, behaviour, trustedKeys, volumes: volumesOf(machine), screen: onScreen }
    return new AdbConnection(context, link).run()
  }
}

function ownVolumes({ profile, disk, booted }: AdbMachine): Volumes {
  return profile.dynamic ? superVolumes(disk, booted.slot) : physicalVolumes(disk)
}
