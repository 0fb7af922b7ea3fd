import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listRoles: Handlers['listRoles'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const createRole: Handlers['createRole'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const updateRole: Handlers['updateRole'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteRole: Handlers['deleteRole'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
