import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const planRevocation: Handlers['planRevocation'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const revoke: Handlers['revoke'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
