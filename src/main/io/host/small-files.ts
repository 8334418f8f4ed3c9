// Reading kernel files: small, often missing, sometimes vanishing while they are read. Whatever cannot be read is undefined.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The trimmed text of a file of sysfs, procfs or udev. */
export async function textFile(...path: readonly string[]): Promise<string | undefined> {
  try {
    return (await readFile(join(...path), 'utf8')).trim()
  } catch {
    return undefined
  }
}

/** `5000`, `1.5`; undefined for anything else (`unknown`). */
export async function numberFile(...path: readonly string[]): Promise<number | undefined> {
  const text = await textFile(...path)
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** Hexadecimal digits without `0x`, as sysfs writes ids and classes. */
export async function hexFile(...path: readonly string[]): Promise<number | undefined> {
  const text = await textFile(...path)
  return text !== undefined && /^[0-9a-f]{1,4}$/i.test(text) ? Number.parseInt(text, 16) : undefined
}
