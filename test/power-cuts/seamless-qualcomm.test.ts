import { powerCuts } from './cuts.ts'

powerCuts({ policy: 'seamless', profile: 'nx679j', atLeast: 220 })
