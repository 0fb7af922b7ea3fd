import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const reviewAccess: Handlers['reviewAccess'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
