import { powerCuts } from './cuts.ts'

// The newest kind of EDL: its programmer is a new device, and logical partitions are written through tables that we change ourselves.
powerCuts({
  ...{ policy: 'rescue', profile: 'nx789j', atLeast: 200, adb: {}, edl: true, everyCommand: 5 },
  recipe: { proofTimeout: 20, assumedModel: 'NX789J' },
  prepare: async ({ terminal }) => {
    for (const slot of ['a', 'b'])
      await terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
  },
  promised: 'from-the-switch-on',
})
