import { SignpostError, type IssuedUrl, type UrlRequestInput } from '@signpost/contract'
import type { Address } from './address.ts'
import { createLiveUrl } from './live-url.ts'
import { createMeter } from './progress.ts'
import { sendSigned } from './send-signed.ts'
import { audienceField, type TransferDeps } from './transfer-deps.ts'
import { checkMd5, md5Of } from './upload-result.ts'
import type { UploadOptions, UploadResult } from './upload.ts'
import type { SizedSource } from './upload-source.ts'
import { checkVerification, isLookedAt, verifyWrite } from './verify-write.ts'

/** Stores an object by one request: a PUT, or a form where its size has to be within a range and the store takes forms. */
export async function putWhole(
  deps: TransferDeps,
  address: Address,
  source: SizedSource,
  options: UploadOptions,
  firstUrl?: IssuedUrl,
): Promise<UploadResult> {
  const { signal } = options
  const body = source.slice(0, source.sizeBytes)
  const request: UrlRequestInput = {
    action: 'write',
    key: address.key,
    ...audienceField(deps),
    ...writeFields(options, options.contentType ?? source.contentType),
  }
  const hasMd5 = options.verify === 'checksum'
  if (hasMd5 && options.checksum === undefined)
    request.checksum = { algorithm: 'md5', value: base64(await md5Of(deps.transport, body, signal)) }
  const url = createLiveUrl(
    () => askForUrl(deps, address.team, request, source.sizeBytes, signal),
    deps.clock,
    firstUrl,
  )
  const meter = createMeter(source.sizeBytes, options.onProgress)
  const onProgress = meter.piece()
  const { response, issued } = await sendSigned(deps, { url, body, onProgress, signal })
  response.body.discard()
  source.check?.()
  if (hasMd5) await checkMd5(deps.transport, body, response, issued, signal)
  if (options.reportWrites !== false && isLookedAt(issued))
    checkVerification(await verifyWrite(deps.api, address.team, issued.grantId, signal))
  onProgress(source.sizeBytes)
  return {
    ...address,
    sizeBytes: source.sizeBytes,
    etag: response.header('etag'),
    versionId: response.header('x-amz-version-id'),
    uploadId: null,
  }
}

/** What a URL to write is asked for with, by these options. */
export function writeFields(
  {
    createOnly,
    contentLengthRange,
    checksum,
  }: Pick<UploadOptions, 'createOnly' | 'contentLengthRange' | 'checksum'>,
  contentType: string | undefined,
): Partial<UrlRequestInput> {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(createOnly === undefined ? {} : { createOnly }),
    ...(contentLengthRange === undefined ? {} : { contentLengthRange }),
    ...(checksum === undefined ? {} : { checksum }),
    // A form holds a range, and cannot be told never to overwrite.
    ...(contentLengthRange === undefined || createOnly ? {} : { method: 'POST' as const }),
  }
}

/**
 * Without a form where the store has none: then the range is looked at afterwards, or held by a header. With the length
 * only where a restriction or a budget wants it: not every store can hold to one.
 */
async function askForUrl(
  deps: TransferDeps,
  team: string,
  request: UrlRequestInput,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<IssuedUrl> {
  const ask = (body: UrlRequestInput) => deps.api.call('issueUrl', { params: { team }, body }, { signal })
  try {
    return await ask(request)
  } catch (error) {
    const { method: asked, contentLength } = request
    if (asked !== 'POST' && contentLength === undefined && wantsLength(error))
      return ask({ ...request, contentLength: sizeBytes })
    const isNoForm = error instanceof SignpostError && error.code === 'unsupported_by_store'
    if (request.method !== 'POST' || !isNoForm) throw error
    const { method: _, ...plain } = request
    return askForUrl(deps, team, plain, sizeBytes, signal)
  }
}

/** A restriction or a budget counts bytes, so that it must be known how many these are. */
export function wantsLength(error: unknown): boolean {
  return error instanceof SignpostError && error.code === 'restricted' && error.field === 'contentLength'
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCodePoint(...bytes))
}
