import { powerCuts } from './cuts.ts'

// Its programmer comes up as another device, its logical partitions lie in super.
powerCuts({
  ...{
    policy: 'rescue',
    profile: 'nx789j',
    atLeast: 170,
    adb: {},
    edl: true,
    everyCommand: 20,
    everyWrite: 4,
  },
  recipe: { proofTimeout: 20, assumedModel: 'NX789J' },
  prepare: async ({ terminal }) => {
    for (const slot of ['a', 'b'])
      await terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
  },
  promised: 'from-the-switch-on',
})
