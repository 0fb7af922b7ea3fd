import { SignpostError } from '@signpost/contract'
import { networkError, refusalError, unreadableError, type StoreRefusal } from '../store-error.ts'
import type { S3Address } from './address.ts'

/** Few stores other than their providers' own have a name for each bucket. */
const NO_BUCKET_HOST = {
  ENOTFOUND:
    'is not known to DNS: check the endpoint; if the store takes buckets in the path, set addressing to path',
}

/** Gives what the SDK throws its name. */
export function s3Error(error: unknown, bucket: string, { host, provider, pathStyle }: S3Address): unknown {
  if (error instanceof SignpostError) return error
  const context = { bucket, host }
  const refusal = refusalOf(error)
  if (refusal !== undefined) return refusalError(refusal, context)
  const faults = provider === 'other' && !pathStyle ? NO_BUCKET_HOST : {}
  return networkError(error, context, faults) ?? unreadableError(error, context)
}

/** The SDK's `S3ServiceException`, by shape: the class is not loaded here. */
interface ServiceException {
  name?: string
  Code?: string
  Region?: string
  $metadata?: { httpStatusCode?: number; requestId?: string }
  $response?: { headers?: Record<string, string> }
}

function refusalOf(error: unknown): StoreRefusal | undefined {
  const { $metadata, $response, name, Code, Region } = (error ?? {}) as ServiceException
  const status = $metadata?.httpStatusCode
  if (status === undefined) return undefined
  const region = Region ?? $response?.headers?.['x-amz-bucket-region']
  const isMoved = status === 301 || status === 307
  // Without a body (HEAD, redirects) the SDK makes up a name.
  const isNamed = name !== undefined && /^[A-Z]/.test(name) && !/^Unknown(?:Error)?$/.test(name)
  return {
    status,
    code: Code ?? (isNamed ? name : isMoved ? 'PermanentRedirect' : `HTTP ${status}`),
    ...(region !== undefined && (isMoved || Region !== undefined) ? { region } : {}),
    ...($metadata?.requestId === undefined ? {} : { requestId: $metadata.requestId }),
  }
}
