/** What restrictions narrow, of what is allowed. */
import { SignpostError } from '@signpost/contract'
import type { SignRequest } from '../domain/connector.ts'
import type { Caps } from '../domain/decide-access.ts'
import type { ExpiryLimits } from '../domain/policy.ts'

/** @throws SignpostError `restricted`, where the object may be larger than a restriction allows */
export function checkCaps(
  caps: Caps,
  request: Pick<SignRequest, 'action' | 'method' | 'contentLength' | 'contentLengthRange' | 'part'>,
): void {
  // Of an upload in parts its whole size counts, when it is opened.
  if (request.part !== undefined || request.action !== 'write' || request.method === 'DELETE') return
  checkSizeCap(caps, 'contentLength', mostBytes(request))
}

/**
 * How much may be written at most, as it was declared. A range counts with a form alone, which holds the client to it: with a
 * PUT most stores hold nobody to one, and a small range would be a door for any size.
 */
export function mostBytes({
  method,
  contentLength,
  contentLengthRange,
}: Pick<SignRequest, 'method' | 'contentLength' | 'contentLengthRange'>): number | undefined {
  return contentLength ?? (method === 'POST' ? contentLengthRange?.max : undefined)
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
