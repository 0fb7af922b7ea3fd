import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listRestrictedPrefixes: Handlers['listRestrictedPrefixes'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const setRestrictedPrefix: Handlers['setRestrictedPrefix'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteRestrictedPrefix: Handlers['deleteRestrictedPrefix'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
