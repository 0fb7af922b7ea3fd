import { testMutations } from './testing/judge-mutations.ts'

testMutations('json')
