// A job's certificate as files: JSON for programs, a page for people.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Job } from '../../shared/job.ts'
import { certify } from '../flash/certificate.ts'
import { certificatePage } from '../flash/certificate-page.ts'
import { VERSION } from './version.ts'

export interface ReportFiles {
  readonly json: string
  readonly page: string
}

/** Writes `<folder>/<job>.json` and `.html`.
 * @throws SlotbenchError `host-io`. */
export async function saveReport(job: Job, folder: string): Promise<ReportFiles> {
  const certificate = certify(job, VERSION)
  const json = join(folder, `${job.id}.json`)
  const page = join(folder, `${job.id}.html`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(json, `${JSON.stringify(certificate, null, 2)}\n`)
    await writeFile(page, certificatePage(certificate))
  } catch (cause) {
    throw new SlotbenchError('host-io', `the report could not be written to ${folder}`, { cause })
  }
  return { json, page }
}
