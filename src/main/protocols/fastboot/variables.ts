// The lines of `getvar all`, which name and value share with colons of their own.

/** Variables whose name carries one argument (AOSP fastboot README, "Client Variables"); some bootloaders write
 * `has-slot:boot:yes` without a space, so the last colon alone does not tell. */
const WITH_ARGUMENT =
  /^(partition-size|partition-type|has-slot|is-logical|slot-successful|slot-unbootable|slot-retry-count|slot-suffix)\s*:\s*([^:\s]+)\s*:\s*(.*)$/

/** `partition-size:boot_a: 0x6000000` → name and value; undefined where the line is no variable. */
export function parseVariableLine(
  line: string,
): { readonly name: string; readonly value: string } | undefined {
  const known = WITH_ARGUMENT.exec(line.trim())
  if (known) return { name: `${known[1]}:${known[2]}`, value: (known[3] ?? '').trim() }
  // A colon with a space behind it ends the name; where there is none, the first colon does.
  const spaced = line.search(/:\s/)
  const colon = spaced >= 0 ? spaced : line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon)).trim()
  if (!/^[\x21-\x7e]{1,128}$/.test(name)) return undefined
  return { name, value: line.slice(colon + 1).trim() }
}

/** All variables among the lines; the first of two equal names counts. */
export function parseVariables(lines: readonly string[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const line of lines) {
    const variable = parseVariableLine(line)
    if (variable && !variables.has(variable.name)) variables.set(variable.name, variable.value)
  }
  return variables
}
