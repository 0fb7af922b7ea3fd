import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listIdentityProviders: Handlers['listIdentityProviders'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const createIdentityProvider: Handlers['createIdentityProvider'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const updateIdentityProvider: Handlers['updateIdentityProvider'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteIdentityProvider: Handlers['deleteIdentityProvider'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
