// slotbench doctor on the machine that runs the tests, whatever it has.
import { afterAll, expect, it } from 'vitest'
import { doctorReportSchema } from '../../src/shared/doctor.ts'
import { CliPlace, document, plain } from './slotbench.ts'

const place = new CliPlace()
afterAll(() => place.close())

it('prints a report that the schema takes, and ends with 0 only when nothing blocks', async () => {
  const data = place.newData()
  const asJson = await place.run(data, 'doctor', '--json')
  const report = doctorReportSchema.strict().parse(document(asJson))
  expect(report.platform).toBe(process.platform)
  expect(asJson.code).toBe(report.healthy ? 0 : 8)
  const words = await place.run(data, 'doctor')
  expect(words.code).toBe(asJson.code)
  expect(words.stderr).toBe('')
  expect(plain(words)).toContain(
    report.healthy ? 'Nothing stands in the way.' : 'Something stands in the way',
  )
  for (const { meaning } of report.findings) expect(plain(words)).toContain(meaning)
})
