import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listRestrictions: Handlers['listRestrictions'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const createRestriction: Handlers['createRestriction'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const endRestriction: Handlers['endRestriction'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
