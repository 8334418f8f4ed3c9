import { describe, expect, it } from 'vitest'
import type { Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { Fact, TerminalFacts } from '../../../shared/terminal.ts'
import { checkModel, matchModel, modelRulesOut } from './check-model.ts'

const RECIPE: Recipe = { policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 300 }

/** `[source, value]` pairs; the first is the product, the others are names of other modes. */
function terminal(said: readonly (readonly [string, string])[], more: Partial<TerminalFacts> = {}) {
  const [product, ...names] = said.map(([source, value]): Fact<string> => ({ value, source }))
  const facts: TerminalFacts = {
    mode: 'bootloader',
    bay: 'usb:1-2',
    ...(product && { product }),
    names,
    slots: {},
    partitions: {},
    hasSlot: {},
    variables: {},
    ...more,
  }
  return facts
}

function packageFor(...models: string[]): RomInfo {
  return {
    kind: 'ota-zip',
    path: '/roms/full.zip',
    packageSize: 1,
    fingerprint: 'f'.repeat(64),
    models,
    full: true,
    downgrade: false,
    requirements: [],
    dynamicGroups: [],
    images: [],
    notes: [],
  }
}

const codes = (facts: TerminalFacts, rom: RomInfo, assumedModel?: string) => {
  const { blockers, warnings } = checkModel(
    facts,
    rom,
    assumedModel === undefined ? RECIPE : { ...RECIPE, assumedModel },
  )
  return [...blockers, ...warnings].map(({ code }) => code)
}

const BOOT = 'getvar product'
const MODEL = 'getprop ro.product.model'

describe('a terminal takes the package', () => {
  it.each([
    ['of its own name', [[BOOT, 'NX679J']], ['NX679J'], 'name'],
    ['of its own name in another case', [[BOOT, 'nx679j']], ['NX679J'], 'name'],
    [
      'of the name that another mode gave',
      [
        [BOOT, 'taro'],
        [MODEL, 'NX679J'],
      ],
      ['NX679J'],
      'name',
    ],
    ['one of several that the package is for', [[BOOT, 'NX679J']], ['NX999J', 'NX679J'], 'name'],
    ['NX741J as PQ85A01', [[BOOT, 'PQ85A01']], ['NX741J'], 'alias'],
    ['PQ85A01 as NX741J', [[MODEL, 'NX741J']], ['PQ85A01'], 'alias'],
    [
      'NX769J as PQ83A01',
      [
        [BOOT, 'PQ83A01'],
        [MODEL, 'NX769J'],
      ],
      ['NX769J'],
      'name',
    ],
    [
      'PQ83A01 as NX769J',
      [
        [BOOT, 'kalama'],
        [MODEL, 'NX769J'],
      ],
      ['PQ83A01'],
      'alias',
    ],
  ] as const)('%s', (_, said, models, how) => {
    const [facts, rom] = [terminal(said), packageFor(...models)]
    expect(codes(facts, rom)).toEqual([])
    expect(matchModel(facts, rom)).toMatchObject({ kind: 'same', how })
  })
})

describe('a terminal does not take the package', () => {
  it.each([
    ['of another model', [[BOOT, 'NX679J']], ['NX769J'], 'wrong-model'],
    [
      'of another double identity',
      [
        [BOOT, 'PQ85A01'],
        [MODEL, 'NX741J'],
      ],
      ['PQ83A01'],
      'wrong-model',
    ],
    [
      'of a regional variant',
      [
        [MODEL, 'A2017G'],
        [BOOT, 'ailsa_ii'],
      ],
      ['A2017'],
      'wrong-model',
    ],
    [
      'while it contradicts itself',
      [
        [BOOT, 'NX741J'],
        [MODEL, 'NX769J'],
      ],
      ['NX769J'],
      'wrong-model',
    ],
    ['when it has no name', [], ['NX769J'], 'wrong-model'],
    ['that names no model', [[BOOT, 'NX679J']], [], 'model-unknown'],
    ['whose model is blank', [[BOOT, 'NX679J']], [' '], 'model-unknown'],
    ['when neither has a name', [], [], 'model-unknown'],
  ] as const)('%s', (_, said, models, code) => {
    expect(codes(terminal(said), packageFor(...models))).toEqual([code])
  })

  it('and the message says which field said what', () => {
    const facts = terminal([
      [BOOT, 'PQ85A01'],
      ['getprop ro.product.name', 'canoe'],
    ])
    const [finding] = checkModel(facts, packageFor('PQ83A01'), RECIPE).blockers
    for (const part of [
      'getvar product = PQ85A01, a nubia Z80 Ultra',
      'getprop ro.product.name = canoe',
      'model = PQ83A01, a RedMagic 9 Pro',
    ])
      expect(finding?.detail).toContain(part)
    expect(finding?.next).toContain('--assume-model')
  })
})

describe('a technician vouches', () => {
  it.each([
    ['for the package’s model', [[BOOT, 'other']], ['NX679J'], 'nx679j', 'vouched-model'],
    ['for an alias of it', [[BOOT, 'other']], ['PQ85A01'], 'NX741J', 'vouched-model'],
    [
      'though the terminal contradicts itself',
      [
        [BOOT, 'NX741J'],
        [MODEL, 'NX769J'],
      ],
      ['NX769J'],
      'NX769J',
      'vouched-model',
    ],
    ['for a terminal without a name', [], ['NX679J'], 'NX679J', 'vouched-model'],
    ['for a silent package with the terminal’s name', [[BOOT, 'NX679J']], [], 'NX679J', 'vouched-model'],
    ['for something else, in vain', [[BOOT, 'NX679J']], ['NX769J'], 'NX679J', 'wrong-model'],
    ['for a silent package with another name, in vain', [[BOOT, 'NX679J']], [], 'NX769J', 'model-unknown'],
    [
      'for a regional variant of a silent package, in vain',
      [
        [MODEL, 'A2017G'],
        [BOOT, 'ailsa_ii'],
      ],
      [],
      'A2017',
      'model-unknown',
    ],
  ] as const)('%s', (_, said, models, assumed, code) => {
    expect(codes(terminal(said), packageFor(...models), assumed)).toEqual([code])
  })
})

describe('before the terminal is restarted to be asked further', () => {
  const inSystem = (variables: Record<string, string> = {}) =>
    terminal([[MODEL, 'NX679J']], { mode: 'system', variables })

  it('another model is ruled out, and so is a contradiction', () => {
    expect(modelRulesOut(inSystem(), packageFor('NX769J'), RECIPE)).toBe(true)
    const both = terminal(
      [
        [MODEL, 'NX741J'],
        [BOOT, 'NX769J'],
      ],
      { mode: 'system', variables: { x: 'NX769J' } },
    )
    expect(modelRulesOut(both, packageFor('NX769J'), RECIPE)).toBe(true)
  })

  it('the right model, one that is vouched for, and a terminal without a name are not', () => {
    expect(modelRulesOut(inSystem(), packageFor('NX679J'), RECIPE)).toBe(false)
    const recipe = { ...RECIPE, assumedModel: 'NX769J' }
    expect(modelRulesOut(inSystem(), packageFor('NX769J'), recipe)).toBe(false)
    expect(modelRulesOut(terminal([], { mode: 'sideload' }), packageFor('NX769J'), RECIPE)).toBe(false)
  })

  it('a package for its board waits for the bootloader’s own word', () => {
    const board = { 'ro.board.platform': 'taro' }
    expect(modelRulesOut(inSystem(board), packageFor('taro'), RECIPE)).toBe(false)
    const asked = { ...inSystem(board), surveyed: ['system', 'bootloader'] as const }
    expect(modelRulesOut({ ...asked, surveyed: [...asked.surveyed] }, packageFor('taro'), RECIPE)).toBe(true)
  })
})
