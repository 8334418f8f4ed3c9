// A small job as data, for tests of what stores and shows jobs.
import type { Job } from '../src/shared/job.ts'
import type { Plan } from '../src/shared/plan.ts'

const AT = '2026-01-01T00:00:00.000Z'

export interface Sample {
  readonly id: string
  readonly terminal?: Plan['terminal']
  readonly rom?: Partial<Plan['rom']>
  readonly plan?: Partial<Plan>
  readonly job?: Partial<Job>
}

/** Two steps (identify, reboot), all pending, unless told otherwise. */
export function sampleJob({ id, terminal = { bay: 'usb:1-1' }, rom = {}, plan = {}, job = {} }: Sample): Job {
  const steps: Plan['steps'] = plan.steps ?? [
    { kind: 'identify', id: '1-identify' },
    { kind: 'reboot', id: '2-reboot-system', to: 'system' },
  ]
  return {
    id,
    createdAt: AT,
    updatedAt: AT,
    state: 'planned',
    plan: {
      version: 1,
      createdAt: AT,
      terminal,
      facts: { mode: 'bootloader', bay: terminal.bay, slots: {}, partitions: {}, hasSlot: {}, variables: {} },
      rom: {
        kind: 'ota-zip',
        path: '/roms/full.zip',
        packageSize: 1,
        fingerprint: 'f'.repeat(64),
        models: ['NX679J'],
        full: true,
        downgrade: false,
        requirements: [],
        dynamicGroups: [],
        images: [],
        notes: [],
        ...rom,
      },
      recipe: { policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 1 },
      blockers: [],
      warnings: [],
      totals: { writeBytes: 0, backupBytes: 0 },
      ...plan,
      steps,
    },
    steps: steps.map((step) => ({ id: step.id, state: 'pending', attempts: 0 })),
    ...job,
  }
}
