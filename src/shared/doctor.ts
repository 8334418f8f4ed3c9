// What the doctor found: devices as the host sees them, and findings that each say what it means and what to type.
import { z } from 'zod'
import { recognisedSchema } from './recognised.ts'

export const DOCTOR_CODES = [
  'no-usb',
  'no-device-files',
  'host-unsupported',
  'reader-failed',
  'no-terminal',
  'permission-denied',
  'device-held',
  'holders-hidden',
  'adb-server-running',
  'serial-driver-bound',
  'storage-driver-bound',
  'modemmanager-probes',
  'udev-rule-missing',
  'udev-rule-outdated',
  'udev-rule-masked',
  'udev-rule-not-applied',
  'slow-link',
  'behind-hubs',
  'autosuspend',
  'not-readable',
  'driver-missing',
  'driver-wrong',
  'driver-problem',
] as const
export const doctorCodeSchema = z.enum(DOCTOR_CODES)
export type DoctorCode = z.infer<typeof doctorCodeSchema>

/** `blocks`: nothing can be done over USB, or with that device, before it is mended. `warning`: it works and may fail. `advice`:
 * good to know. */
export const severitySchema = z.enum(['blocks', 'warning', 'advice'])
export type Severity = z.infer<typeof severitySchema>

export const doctorFindingSchema = z.object({
  code: doctorCodeSchema,
  severity: severitySchema,
  /** The device it is about, as `doctorDeviceSchema.place`; absent for the host as a whole. */
  place: z.string().optional(),
  /** What was found, with the values that decided. */
  detail: z.string(),
  /** What it means for flashing. */
  meaning: z.string(),
  /** What to do, in words. */
  next: z.string(),
  /** To be typed as it is. */
  command: z.string().optional(),
})
export type DoctorFinding = z.infer<typeof doctorFindingSchema>

export const doctorDeviceSchema = z.object({
  /** The bay (`usb:1-2.3`), or the instance id on Windows. */
  place: z.string(),
  /** `19d2:ffcf`. */
  usb: z.string(),
  product: z.string().optional(),
  serial: z.string().optional(),
  personality: recognisedSchema,
  /** Megabits per second. */
  speed: z.number().optional(),
  /** What device, or port, could do at least, where that is known and is more. */
  couldDo: z.number().optional(),
  /** Hubs between computer and device. */
  hubs: z.number().int().nonnegative().optional(),
  interfaces: z.array(
    z.object({
      number: z.number().int(),
      /** `ff/42/03`, where it is known. */
      classes: z.string().optional(),
      driver: z.string().optional(),
    }),
  ),
  /** Undefined where it cannot be told. */
  mayOpen: z.boolean().optional(),
  holders: z.array(z.object({ pid: z.number().int(), name: z.string() })),
})
export type DoctorDevice = z.infer<typeof doctorDeviceSchema>

export const doctorReportSchema = z.object({
  platform: z.string(),
  /** Nothing blocks. */
  healthy: z.boolean(),
  devices: z.array(doctorDeviceSchema),
  findings: z.array(doctorFindingSchema),
})
export type DoctorReport = z.infer<typeof doctorReportSchema>
