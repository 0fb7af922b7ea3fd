import type { IssuedUrl } from '@signpost/contract'
import { redactUrl, TransferError } from './transfer-error.ts'
import { readText, type TransferResponse } from './transport.ts'

/** What a store said instead of yes. */
export interface StoreRefusal {
  status: number
  /** `Error/Code` of the XML that S3, GCS and Azure answer; null where there is none. */
  code: string | null
  message: string | null
  requestId: string | null
}

const refusalBytesMax = 16 * 1024

/** Reads the few fields that are safe to show: the rest of such a body may hold the string to sign and the signature. */
export async function readRefusal(response: TransferResponse): Promise<StoreRefusal> {
  const text = await readText(response.body, refusalBytesMax)
  const field = (name: string) =>
    new RegExp(`<${name}>([^<]{1,400})</${name}>`).exec(text)?.[1]?.trim() ?? null
  return {
    status: response.status,
    code: field('Code') ?? response.header('x-ms-error-code'),
    message: field('Message')?.split('\n')[0] ?? null,
    requestId:
      field('RequestId') ?? response.header('x-amz-request-id') ?? response.header('x-ms-request-id'),
  }
}

const expiredCodes: ReadonlySet<string> = new Set(['ExpiredToken', 'RequestExpired', 'TokenRefreshRequired'])

/**
 * May another URL help? Stores word an expired URL in many ways, and some only say "no" (403): so any refusal of the
 * credential counts. Whether a fresh URL was refused too is for the caller to count.
 */
export function isDeadUrl(refusal: StoreRefusal): boolean {
  return refusal.status === 401 || refusal.status === 403 || saysExpired(refusal)
}

function saysExpired(refusal: StoreRefusal): boolean {
  if (refusal.code !== null && expiredCodes.has(refusal.code)) return true
  return /expired|not valid in the specified time frame/i.test(refusal.message ?? '')
}

const passingCodes: ReadonlySet<string> = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'SlowDown',
  'OperationAborted',
])

/** Will the same request perhaps succeed a little later? */
export function isPassingRefusal(refusal: StoreRefusal): boolean {
  if ([408, 425, 429, 500, 502, 503, 504].includes(refusal.status)) return true
  return refusal.code !== null && passingCodes.has(refusal.code)
}

/**
 * 412 by S3 and GCS, 409 by Azure. A SAS that may only create is refused for its permission when the blob is there ("Create
 * service SAS": `c` without `w` writes new blobs only).
 */
function saysExists({ status, code }: StoreRefusal, { enforcement }: IssuedUrl): boolean {
  if (status === 412 || code === 'BlobAlreadyExists' || code === 'UnauthorizedBlobOverwrite') return true
  return code === 'AuthorizationPermissionMismatch' && enforcement['createOnly'] === 'storage'
}

export function errorOfRefusal(refusal: StoreRefusal, issued: IssuedUrl): TransferError {
  const said = [refusal.status, refusal.code].filter((part) => part !== null).join(' ')
  const signature = signatureOf(issued.url)
  const message =
    refusal.message && !(signature && refusal.message.includes(signature)) ? `: ${refusal.message}` : ''
  return new TransferError(
    saysExpired(refusal)
      ? 'url_expired'
      : issued.method === 'PUT' && saysExists(refusal, issued)
        ? 'already_exists'
        : 'store_refused',
    `The store refused ${issued.method} ${redactUrl(issued.url)} with ${said}${message}${adviceOn(refusal)}`,
    {
      peer: 'store',
      status: refusal.status,
      grantId: issued.grantId,
      ...(refusal.code === null ? {} : { storeCode: refusal.code }),
      ...(refusal.requestId === null ? {} : { storeRequestId: refusal.requestId }),
    },
  )
}

function signatureOf(url: string): string | null {
  const query = new URL(url).searchParams
  return query.get('X-Amz-Signature') ?? query.get('X-Goog-Signature') ?? query.get('sig')
}

function adviceOn(refusal: StoreRefusal): string {
  if (saysExpired(refusal)) return '. The URL was fresh: compare the clocks of store and Signpost'
  if (refusal.status >= 300 && refusal.status < 400) {
    return '. A redirect means that the connector names a wrong region or endpoint'
  }
  return ''
}
