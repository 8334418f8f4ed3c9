import { powerCuts } from './cuts.ts'

powerCuts({
  ...{ policy: 'single', profile: 'a-only', atLeast: 170, adb: {}, edl: true, everyCommand: 3 },
  recipe: { proofTimeout: 20, assumedModel: 'NX659J' },
})
