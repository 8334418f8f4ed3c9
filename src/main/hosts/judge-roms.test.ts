// The ROMs of a repository for one terminal: by its rules, and without rules by the models that packages name.
import { expect, it } from 'vitest'
import { romInfo } from '../../../test/firmware-repository.ts'
import type { DeploymentSet } from '../../shared/deployment.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { bytes, sha256 } from '../../shared/units.ts'
import { compileDeployments } from '../core/eligibility/compile.ts'
import { type PublishedRom, romFactsSchema } from '../repository/format.ts'
import { judgeRoms } from './judge-roms.ts'

const FACTS: TerminalFacts = {
  ...{ mode: 'bootloader', bay: 'usb:1-1', slots: {}, hasSlot: {}, partitions: {}, variables: {} },
  product: { value: 'NX769J', source: 'getvar product' },
}

function published(name: string, models: readonly string[], timestamp: number): PublishedRom {
  const target = {
    path: `roms/acme/${name}`,
    size: bytes(1),
    sha256: sha256(name.charCodeAt(0).toString(16).repeat(32)),
  }
  const facts = romFactsSchema.parse({ ...romInfo(name), models, timestamp, notes: '' })
  return { publisher: 'acme', name, target, index: target, facts }
}

const ROMS = [published('a', ['NX769J'], 1), published('b', ['NX769J'], 2), published('c', ['NX679J'], 3)]
const names = (of: ReturnType<typeof judgeRoms>) =>
  of.roms.map(({ rom, verdict }) => `${rom.name} ${verdict}`)

it('goes by the models of the packages where there are no rules, the later one first', () => {
  const judged = judgeRoms(ROMS, undefined, FACTS)
  expect(judged.byRules).toBe(false)
  expect(names(judged)).toEqual(['b eligible', 'a eligible', 'c refused'])
  const nameless = { ...FACTS, product: { value: '', source: 'getvar product' } }
  expect(names(judgeRoms(ROMS, undefined, nameless))).toContain('a undecided')
})

it('goes by the rules alone where there are some', () => {
  const rules: DeploymentSet = {
    version: 1,
    roms: [
      { id: 'a', target: 'roms/acme/a', build: 'a' },
      { id: 'b', target: 'roms/acme/b', build: 'b' },
    ],
    deployments: ['a', 'b'].map((id) => ({ id, rom: id, channel: 'stable', models: ['NX769J'] })),
    withdrawn: [{ rom: 'b', reason: 'It overheats' }],
  }
  const judged = judgeRoms(ROMS, compileDeployments(rules), FACTS)
  expect(judged.byRules).toBe(true)
  expect(names(judged)).toEqual(['a eligible', 'b refused'])
  expect(judged.roms[1]?.reasons).toContainEqual(
    expect.objectContaining({ rule: 'withdrawn', outcome: 'not-met', detail: 'withdrawn: It overheats' }),
  )
})
