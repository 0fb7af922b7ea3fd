/** What restrictions narrow, of what is allowed. */
import { SignpostError } from '@signpost/contract'
import type { SignRequest } from '../domain/connector.ts'
import type { Caps } from '../domain/decide-access.ts'
import type { ExpiryLimits } from '../domain/policy.ts'

/** @throws SignpostError `restricted`, where the object may be larger than a restriction allows */
export function checkCaps(
  caps: Caps,
  { action, method, contentLength, contentLengthRange, part }: SignRequest,
): void {
  // Of an upload in parts its whole size counts, when it is opened.
  if (part !== undefined || action !== 'write' || method === 'DELETE') return
  checkSizeCap(caps, 'contentLength', contentLength ?? contentLengthRange?.max)
}

export function checkSizeCap(
  caps: Caps,
  field: 'contentLength' | 'sizeBytes',
  most: number | undefined,
): void {
  const max = caps.writeBytesMax
  if (max === undefined) return
  if (most === undefined)
    throw new SignpostError(
      'restricted',
      `${field}: a restriction allows objects of at most ${max} bytes here; say how long this one is.`,
      { field },
    )
  if (most > max)
    throw new SignpostError('restricted', `${field}: a restriction allows at most ${max} bytes here.`, {
      field,
    })
}

export function cappedLife(limits: ExpiryLimits, maxSeconds: number | undefined): ExpiryLimits {
  if (maxSeconds === undefined || maxSeconds >= limits.maxSeconds) return limits
  return { defaultSeconds: Math.min(limits.defaultSeconds, maxSeconds), maxSeconds }
}
