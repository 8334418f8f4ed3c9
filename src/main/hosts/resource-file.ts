// Files that come with the program: beside the sources, or beside a bundle of them, or where a package puts them.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const FOLDER = 'resources'

/** @param name below `resources/`. @returns its path; one that does not exist where the file was left out. */
export function resourceFile(name: string): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, FOLDER, name)
    if (existsSync(path) || dirname(folder) === folder) return path
  }
}
