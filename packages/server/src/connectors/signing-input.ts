import { SignpostError } from '@signpost/contract'
import { SigningInputError } from '@signpost/signing'

/** Life of a URL whose signature counts from the whole second of `signedAt`: never past `expiresAt`. */
export function lifetimeSeconds(signedAt: number, expiresAt: number): number {
  return Math.floor(expiresAt / 1000) - Math.floor(signedAt / 1000)
}

/** A signer's complaint in the words of the API. */
export function signingError(error: unknown): unknown {
  if (!(error instanceof SigningInputError)) return error
  const isKey = ['operation.key', 'blob', 'key'].includes(error.field)
  return new SignpostError(isKey ? 'invalid_key' : 'unsupported_by_store', `${error.message}.`, {
    field: isKey ? 'key' : error.field,
  })
}
