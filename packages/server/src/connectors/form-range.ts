import { SignpostError } from '@signpost/contract'
import type { SignRequest } from '../domain/connector.ts'

/** The largest file that a form may bring: S3's and Google's limit for one request. */
const formBytesMax = 5 * 2 ** 30

/** What a form says about the size of its file: a length alone is a range of one. */
export function formRange({ contentLength, contentLengthRange }: SignRequest): { min: number; max: number } {
  const { min, max } = contentLengthRange ?? { min: 0, max: formBytesMax }
  return contentLength === undefined ? { min, max } : { min: contentLength, max: contentLength }
}

/** Neither store has a field for it, and a header would not be signed. */
export function refuseInForm(field: 'createOnly' | 'storageClass' | 'kmsKeyId'): never {
  throw new SignpostError('unsupported_by_store', `${field}: goes with method PUT only on this store.`, {
    field,
  })
}
