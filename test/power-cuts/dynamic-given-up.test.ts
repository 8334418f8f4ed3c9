import { powerCuts } from './cuts.ts'

// Super holds one system: from the deletion of the old one to the end of the job nothing boots, which the plan says and the user chose.
powerCuts({
  policy: 'seamless',
  profile: 'nx769j-tight',
  atLeast: 500,
  adb: {},
  recipe: { giveUpOtherSlot: true },
  promised: false,
})
