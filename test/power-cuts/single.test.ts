import { powerCuts } from './cuts.ts'

powerCuts({ policy: 'single', profile: 'a-only', atLeast: 150 })
