import { powerCuts } from './cuts.ts'

// A slot boots when it comes in, and one boots at every moment.
powerCuts({
  ...{ policy: 'seamless', profile: 'emmc-ab', atLeast: 200, adb: {}, edl: true },
  recipe: { proofTimeout: 20, assumedModel: 'P671F20' },
})
