// A problem as a person needs it: what it means, what happened here, what to do next.
import type { Notice } from '../shared/contract.ts'

export function ProblemNote({ problem }: { readonly problem: Notice }) {
  return (
    <div className="problem" role="alert">
      <p className="problem-meaning">{problem.meaning}</p>
      <p className="problem-next">{problem.next}</p>
      <p className="quiet problem-detail">
        {problem.detail} <code>{problem.code}</code>
      </p>
    </div>
  )
}
