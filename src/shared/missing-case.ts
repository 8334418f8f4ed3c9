/** The default of a `switch` over a union: a new case does not compile until it is handled. */
export function missingCase(value: never): never {
  throw new Error(`case not handled: ${JSON.stringify(value)}`)
}
