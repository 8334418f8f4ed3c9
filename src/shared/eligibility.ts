// The answer to "which ROMs may this terminal have?", for the interface, the command line and the service alike.
import { z } from 'zod'
import { factNameSchema, offeredRomSchema } from './deployment.ts'
import { modeSchema } from './terminal.ts'

export const RULE_NAMES = [
  'model',
  'channel',
  'withdrawn',
  'hw-revision',
  'variant',
  'region',
  'source-build',
  'source-date',
  'security-patch',
  'security-patch-not-lower',
  'rollback',
  'rollback-not-lower',
  'oem-id',
  'pk-hash',
  'storage-type',
  'storage-size',
  'slot-layout',
  'battery',
  'rollout',
] as const
export const ruleNameSchema = z.enum(RULE_NAMES)
export type RuleName = z.infer<typeof ruleNameSchema>

/** How one rule came out. `waived`: the fact is missing, and the deployment says that it does without it. */
export const reasonSchema = z.object({
  rule: ruleNameSchema,
  outcome: z.enum(['met', 'not-met', 'unknown', 'waived']),
  /** With the values that decided, and where they were read. */
  detail: z.string(),
  /** The fact that would decide; absent where it is known. */
  fact: factNameSchema.exactOptional(),
  /** The modes in which the fact can be read and in which this terminal was not asked yet; empty: ask the technician. */
  readIn: z.array(modeSchema).exactOptional(),
})
export type Reason = z.infer<typeof reasonSchema>

/** `undecided`: nothing speaks against it, but a fact is missing. */
export const verdictSchema = z.enum(['eligible', 'undecided', 'refused'])
export type Verdict = z.infer<typeof verdictSchema>

/** One ROM with what each deployment that offers it says, the kindest first. */
export const candidateSchema = z.object({
  rom: offeredRomSchema,
  verdict: verdictSchema,
  /** The terminal has this build already. */
  installed: z.boolean(),
  judgements: z.array(
    z.object({ deployment: z.string(), verdict: verdictSchema, reasons: z.array(reasonSchema) }),
  ),
})
export type Candidate = z.infer<typeof candidateSchema>

export const eligibilitySchema = z.object({
  /** Names by which the terminal was looked up, each with its source. */
  names: z.array(z.object({ value: z.string(), source: z.string() })),
  /** Best first. */
  eligible: z.array(candidateSchema),
  undecided: z.array(candidateSchema),
  refused: z.array(candidateSchema),
  /** Undecided and refused ROMs that are left out of the lists, which are limited. */
  omitted: z.number().int().nonnegative(),
  /** Deployments for other models, or, while no name of the terminal is known, all of them. */
  otherModels: z.number().int().nonnegative(),
  /** Facts that would decide something, the one that decides most first. */
  missing: z.array(
    z.object({
      fact: factNameSchema,
      readIn: z.array(modeSchema),
      /** How many deployments wait for it. */
      deployments: z.number().int().positive(),
    }),
  ),
  /** Why the build that is installed was withdrawn; absent when it was not. */
  installedWithdrawn: z.string().exactOptional(),
})
export type Eligibility = z.infer<typeof eligibilitySchema>
