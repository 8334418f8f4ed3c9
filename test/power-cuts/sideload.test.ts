import { powerCuts } from './cuts.ts'

// Staged into super as snapshots, merged after the first boot; the power is lost in each of them.
powerCuts({ policy: 'sideload', profile: 'nx769j', atLeast: 100, adb: {} })
