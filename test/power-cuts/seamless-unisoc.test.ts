import { powerCuts } from './cuts.ts'

powerCuts({ policy: 'seamless', profile: 'unisoc-ab', atLeast: 180 })
