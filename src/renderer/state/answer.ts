// Answers that a screen shows while it is shown: asked again whenever the question, or what it hangs on, changes.
import { useEffect, useState } from 'react'
import type { BenchState, CommandName, Notice, Params, Result } from '../../shared/contract.ts'
import { asSlotbenchError } from '../../shared/errors.ts'
import { ask } from './bench.ts'

export interface Answer<N extends CommandName> {
  /** The last one that came; a new question does not blank the screen. */
  readonly result: Result<N> | undefined
  readonly problem: Notice | undefined
}

/** @param stamp asks again when it changes. */
export function useAnswer<N extends CommandName>(
  command: N,
  params: Params<N>,
  stamp: string | number,
): Answer<N> {
  const [answer, setAnswer] = useState<Answer<N>>({ result: undefined, problem: undefined })
  const question = JSON.stringify(params)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `question` is `params` in a form that can be compared
  useEffect(() => {
    let wanted = true
    ask(command, params).then(
      (result) => wanted && setAnswer({ result, problem: undefined }),
      (thrown: unknown) => {
        const { code, message: detail, meaning, next } = asSlotbenchError(thrown)
        if (wanted) setAnswer((before) => ({ ...before, problem: { code, detail, meaning, next } }))
      },
    )
    return () => {
      wanted = false
    }
  }, [command, question, stamp])
  return answer
}

/** Changes whenever questions about ROMs may be answered differently. */
export function firmwareStamp(bench: BenchState | undefined): string {
  const read = bench?.bays.map(
    ({ bay, facts, sighting }) => `${bay} ${sighting === undefined ? '' : facts?.at}`,
  )
  return `${bench?.firmware.revision} ${bench?.roms.length} ${read?.join()}`
}
