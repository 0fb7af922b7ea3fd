import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const explainAccess: Handlers['explainAccess'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
