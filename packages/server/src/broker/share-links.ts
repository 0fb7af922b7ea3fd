import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listShareLinks: Handlers['listShareLinks'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const createShareLink: Handlers['createShareLink'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteShareLink: Handlers['deleteShareLink'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
