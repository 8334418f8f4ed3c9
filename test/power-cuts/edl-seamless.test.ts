import { powerCuts } from './cuts.ts'

// A slot boots, so one boots at every moment.
powerCuts({
  ...{ policy: 'seamless', profile: 'emmc-ab', atLeast: 250, adb: {}, edl: true, everyCommand: 3 },
  recipe: { proofTimeout: 20, assumedModel: 'P671F20' },
})
