import { powerCuts } from './cuts.ts'

powerCuts({ policy: 'both', profile: 'nx679j', atLeast: 300 })
