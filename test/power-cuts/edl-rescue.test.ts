import { powerCuts } from './cuts.ts'

powerCuts({
  ...{ policy: 'rescue', profile: 'nx679j', atLeast: 430, adb: {}, edl: true, everyCommand: 4 },
  recipe: { proofTimeout: 20, assumedModel: 'NX679J' },
  // Dead: neither slot has a bootloader.
  prepare: async ({ terminal }) => {
    for (const slot of ['a', 'b'])
      await terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
  },
  promised: 'from-the-switch-on',
})
