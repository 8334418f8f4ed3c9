// Facts, steps, plans and packages → what a window is shown of them. Pure.
import { basename } from 'node:path'
import type { BayFacts, Notice, RomSummary, SlotView, StepView } from '../../../shared/contract.ts'
import { TEXT } from '../../../shared/contract.ts'
import type { StepRecord } from '../../../shared/job.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Step } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import type { TrustVerdict } from '../../../shared/trust.ts'
import { SLOTS, type Slot } from '../../../shared/units.ts'
import { clip } from './clip.ts'

const MOST_NAMES = 4

export function stepView(step: Step, record?: StepRecord): StepView {
  return {
    id: step.id,
    kind: step.kind,
    state: record?.state ?? 'pending',
    attempts: record?.attempts ?? 0,
    ...('partition' in step && { partition: step.partition }),
    ...('bytes' in step && { bytes: step.bytes }),
    ...('slot' in step && step.slot !== undefined && { slot: step.slot }),
    ...(step.kind === 'enter-mode' && { mode: step.mode }),
    ...(step.kind === 'write-table' && { lun: step.lun }),
    ...howOf(step),
    ...(record?.startedAt !== undefined && { startedAt: record.startedAt }),
    ...(record?.provenAt !== undefined && { provenAt: record.provenAt }),
  }
}

function howOf(step: Step): Pick<StepView, 'how'> {
  switch (step.kind) {
    case 'verify':
      return { how: step.method }
    case 'reboot':
      return { how: step.to }
    case 'snapshot':
      return { how: step.action }
    case 'write-table':
      return { how: step.source }
    case 'write-file':
      return step.restore ? { how: 'restore' } : {}
    case 'identify':
    case 'backup':
    case 'write':
    case 'erase':
    case 'set-active':
    case 'enter-mode':
    case 'delete-logical':
    case 'resize-logical':
    case 'update-super':
    case 'new-super':
    case 'sideload':
    case 'prove-boot':
      return {}
    default:
      return missingCase(step)
  }
}

export function bayFacts(facts: TerminalFacts, at: Date): BayFacts {
  const names = [...(facts.names ?? []), facts.product, facts.variant].flatMap((fact) => fact?.value ?? [])
  const slots = Object.fromEntries(
    SLOTS.flatMap((slot) => {
      const state = slotView(facts, slot)
      return state === undefined ? [] : [[slot, state]]
    }),
  ) as BayFacts['slots']
  return {
    at: at.toISOString(),
    names: [...new Set(names.map((name) => clip(name)))].slice(0, MOST_NAMES),
    slots,
    ...(facts.build && { build: clip(facts.build.value) }),
    ...(facts.securityPatch && { securityPatch: clip(facts.securityPatch.value) }),
    ...(facts.batteryPercent && { battery: facts.batteryPercent.value }),
    ...(facts.batteryOk && { batteryOk: facts.batteryOk.value }),
    ...(facts.unlocked && { unlocked: facts.unlocked.value }),
    ...(facts.currentSlot && { currentSlot: facts.currentSlot.value }),
  }
}

function slotView({ slots }: TerminalFacts, slot: Slot): SlotView | undefined {
  const state = slots[slot]
  if (state === undefined) return undefined
  return {
    ...(state.successful && { successful: state.successful.value }),
    ...(state.unbootable && { unbootable: state.unbootable.value }),
    ...(state.retryCount && { attempts: Math.max(0, state.retryCount.value) }),
  }
}

export function romSummary(info: RomInfo): RomSummary {
  const inSlot = (slot: Slot) => info.images.filter((image) => image.slot === slot).length
  const [a, b] = [inSlot('a'), inSlot('b')]
  return {
    kind: info.kind,
    packageSize: info.packageSize,
    models: info.models.slice(0, 32).map((model) => clip(model)),
    ...(info.build !== undefined && { build: clip(info.build) }),
    ...(info.securityPatch !== undefined && { securityPatch: clip(info.securityPatch) }),
    ...(info.timestamp !== undefined && { timestamp: info.timestamp }),
    full: info.full,
    downgrade: info.downgrade,
    images: info.images.length,
    imageBytes: info.images.reduce((sum, { size }) => sum + size, 0),
    coverage: { any: info.images.length - a - b, a, b },
    logical: info.images.filter(({ placement }) => placement === 'logical').length,
    ...(info.trust && { trust: trustView(info.trust) }),
    notes: info.notes.slice(0, 32).map((note) => clip(note, TEXT.line)),
  }
}

function trustView({ verdict, summary, publishers }: TrustVerdict): NonNullable<RomSummary['trust']> {
  return {
    verdict,
    summary: clip(summary, TEXT.line),
    publishers: publishers.slice(0, 16).map((publisher) => clip(publisher)),
  }
}

/** The name that a file goes by. */
export function fileName(path: string): string {
  return clip(basename(path) || path)
}

/** The same words, cut to what the contract carries. */
export function clippedNotice({ code, detail, meaning, next }: Notice): Notice {
  return { code, detail: clip(detail, TEXT.line), meaning, next }
}
