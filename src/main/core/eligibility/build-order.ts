// Which of two builds is the later one, by their display ids, where those can be ordered at all.

/** Negative: `a` is earlier; 0: the same; positive: later; undefined: the two are not named alike.
 *
 * Makers number their builds in many ways (`NX679J_CNCommon_V3.11`, `P855A01V1.0.0B12`), so only ids that are equal but for the values
 * of their numbers are ordered, number by number as integers; `V3.1` comes before `V3.1.1`. */
export function compareBuilds(a: string, b: string): number | undefined {
  const [x, y] = [tokens(a), tokens(b)]
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [left, right] = [x[i], y[i]]
    if (left === undefined) return isFurtherNumber(y, i) ? -1 : undefined
    if (right === undefined) return isFurtherNumber(x, i) ? 1 : undefined
    if (left === right) continue
    if (!isNumber(left) || !isNumber(right)) return undefined
    const order = compareNumbers(left, right)
    if (order !== 0) return sameScheme(x.slice(i + 1), y.slice(i + 1)) ? order : undefined
  }
  return 0
}

/** Text and numbers by turns: `V3.11B` → `v`, `3`, `.`, `11`, `b`. */
function tokens(build: string): readonly string[] {
  return (
    build
      .trim()
      .toLowerCase()
      .match(/\d+|\D+/g) ?? []
  )
}

const isNumber = (token: string): boolean => /^\d/.test(token)

/** What is left over is nothing but `.1`, `.1.2` … */
function isFurtherNumber(all: readonly string[], from: number): boolean {
  return /^(\.\d+)+$/.test(all.slice(from).join(''))
}

function sameScheme(x: readonly string[], y: readonly string[]): boolean {
  const shape = (rest: readonly string[]) => rest.map((token) => (isNumber(token) ? '0' : token)).join('')
  const [left, right] = [shape(x), shape(y)]
  const [short, long] = left.length <= right.length ? [left, right] : [right, left]
  return long.startsWith(short) && /^(\.0)*$/.test(long.slice(short.length))
}

/** Of any length: dates and times are written together without a break. */
function compareNumbers(a: string, b: string): number {
  const [x, y] = [BigInt(a), BigInt(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
