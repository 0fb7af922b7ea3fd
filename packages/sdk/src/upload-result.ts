import type { IssuedUrl } from '@signpost/contract'
import { redactUrl, TransferError } from './transfer-error.ts'
import type { TransferBody, TransferResponse, Transport } from './transport.ts'

/**
 * The ETag that the store gave for what it took, as it stands in the header.
 *
 * @throws TransferError `etag_hidden` when the store must have sent one and the browser does not show it
 */
export function etagOf(response: TransferResponse, issued: IssuedUrl): string | null {
  const etag = response.header('etag')
  if (etag !== null || !response.crossOrigin || issued.etagExpected === false) return etag
  throw new TransferError(
    'etag_hidden',
    `${new URL(issued.url).origin} took the part, but its CORS rules hide the ETag from this page: expose the ETag header in the bucket's CORS configuration ("ExposeHeaders": ["ETag"])`,
    { peer: 'store', status: response.status, grantId: issued.grantId },
  )
}

/** Compares what the store says that it took with MD5 of what was sent; says nothing where the store gives no MD5. */
export async function checkMd5(
  transport: Transport,
  body: TransferBody,
  response: TransferResponse,
  issued: IssuedUrl,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stored = md5HexOf(response)
  if (stored === null) return
  if (stored === (await md5Hex(transport, body, signal))) return
  throw new TransferError(
    'checksum_mismatch',
    `What ${redactUrl(issued.url)} holds is not what was sent: its MD5 is ${stored}`,
    { peer: 'store', status: response.status, grantId: issued.grantId },
  )
}

function md5HexOf(response: TransferResponse): string | null {
  const contentMd5 = response.header('content-md5')
  if (contentMd5 !== null) return Array.from(atob(contentMd5), hexOfChar).join('')
  // With SSE-KMS and SSE-C an ETag is no MD5, though it looks like one.
  const encrypted =
    response.header('x-amz-server-side-encryption')?.startsWith('aws:kms') ||
    response.header('x-amz-server-side-encryption-customer-algorithm') !== null
  return encrypted ? null : md5OfEtag(response.header('etag'))
}

/** The MD5 that an ETag seems to be, in lower-case hex. */
export function md5OfEtag(etag: string | null): string | null {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? '')?.[1]?.toLowerCase() ?? null
}

function hexOfChar(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).padStart(2, '0')
}

export async function md5Hex(
  transport: Transport,
  body: TransferBody,
  signal: AbortSignal | undefined,
): Promise<string> {
  return Array.from(await md5Of(transport, body, signal), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
}

export async function md5Of(
  transport: Transport,
  body: TransferBody,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!transport.md5) {
    throw new TransferError(
      'unsupported',
      '"verify: checksum" needs MD5, which browsers do not have: use "size"',
    )
  }
  return transport.md5(body, signal)
}
