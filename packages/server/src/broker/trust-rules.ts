import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listTrustRules: Handlers['listTrustRules'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const createTrustRule: Handlers['createTrustRule'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const updateTrustRule: Handlers['updateTrustRule'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteTrustRule: Handlers['deleteTrustRule'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const testTrustRules: Handlers['testTrustRules'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
