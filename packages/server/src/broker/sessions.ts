import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listSessions: Handlers['listSessions'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteSession: Handlers['deleteSession'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
