import type { Reply } from '@signpost/contract'
import type { Address } from './address.ts'
import { forEachConcurrent } from './concurrent.ts'
import { createPartUrls, type PartUrls } from './part-urls.ts'
import { partsOf, type Part, type PartsSource } from './parts-of.ts'
import { createMeter, type Meter } from './progress.ts'
import { sendSigned } from './send-signed.ts'
import { TransferError } from './transfer-error.ts'
import { bodySizeBytes } from './transport.ts'
import { audienceField, type TransferDeps } from './transfer-deps.ts'
import type { UploadOptions, UploadResult } from './upload.ts'
import { checkMd5, etagOf, md5Hex, md5OfEtag } from './upload-result.ts'
import type { SizedSource } from './upload-source.ts'

type UploadState = Reply<'getUpload'>
interface SentPart {
  sizeBytes: number
  etag: string | null
}

const concurrencyDefault = 4
/** What the parts of a stream may hold in memory together. */
const streamBytesMax = 256 * 1024 * 1024

/**
 * Stores one object in parts: opens (or resumes) an upload, sends what has not arrived yet, completes it. When it fails
 * the upload stays open unless `abortOnFailure`, and a `TransferError` names its `uploadId`.
 */
export async function uploadParts(
  deps: TransferDeps,
  address: Address,
  source: PartsSource,
  options: UploadOptions,
): Promise<UploadResult> {
  const upload = await openUpload(deps, address, source, options)
  if (upload.state === 'completed') {
    const { uploadId, sizeBytes } = upload
    return { ...address, sizeBytes: sizeBytes ?? 0, etag: null, versionId: null, uploadId }
  }
  options.onUpload?.(upload.uploadId)
  try {
    const sent = await sendParts(deps, upload, source, options)
    if ('sized' in source) source.sized.check?.()
    return await completeUpload(deps, address, upload.uploadId, sent, options)
  } catch (error) {
    await giveUp(deps, upload, error, options)
    throw error
  }
}

async function openUpload(
  deps: TransferDeps,
  address: Address,
  source: PartsSource,
  options: UploadOptions,
): Promise<UploadState> {
  const { signal } = options
  const sizeBytes = 'sized' in source ? source.sized.sizeBytes : undefined
  if (options.resume) {
    const params = { team: address.team, uploadId: options.resume.uploadId }
    const upload = await deps.api.call('getUpload', { params }, { signal })
    checkResumable(upload, address, sizeBytes)
    return upload
  }
  const contentType = options.contentType ?? ('sized' in source ? source.sized.contentType : undefined)
  const upload = await deps.api.call(
    'openUpload',
    {
      params: { team: address.team },
      body: {
        key: address.key,
        ...(options.checksum === undefined ? {} : { checksum: options.checksum }),
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        ...(options.partSizeBytes === undefined ? {} : { partSizeBytes: options.partSizeBytes }),
        ...(contentType === undefined ? {} : { contentType }),
        ...(options.createOnly === undefined ? {} : { createOnly: options.createOnly }),
      },
    },
    { signal },
  )
  return { ...upload, parts: [] }
}

function checkResumable(upload: UploadState, address: Address, sizeBytes: number | undefined): void {
  const wrong =
    upload.key !== address.key
      ? `it is of the object ${JSON.stringify(upload.key)}`
      : upload.state === 'aborted'
        ? 'it was aborted'
        : sizeBytes !== undefined && upload.sizeBytes !== null && upload.sizeBytes !== sizeBytes
          ? `it is of ${upload.sizeBytes} bytes, the source has ${sizeBytes}`
          : undefined
  if (wrong === undefined) return
  throw new TransferError(
    'resume_mismatch',
    `The upload ${upload.uploadId} cannot be resumed with this: ${wrong}`,
    {
      uploadId: upload.uploadId,
    },
  )
}

async function sendParts(
  deps: TransferDeps,
  upload: UploadState,
  source: PartsSource,
  options: UploadOptions,
): Promise<Map<number, SentPart>> {
  const sized = 'sized' in source ? source.sized : undefined
  const concurrency = concurrencyOf(upload, sized, options)
  const arrived = new Map(upload.parts.map((part) => [part.partNumber, part]))
  const partCount = sized ? Math.max(1, Math.ceil(sized.sizeBytes / upload.partSizeBytes)) : upload.maxParts
  const { uploadId, team } = upload
  const urls = createPartUrls(
    async (partNumbers) =>
      (
        await deps.api.call(
          'signParts',
          { params: { team, uploadId }, body: { partNumbers, ...audienceField(deps) } },
          { signal: options.signal },
        )
      ).parts,
    (partNumber) => partNumber <= partCount && !arrived.has(partNumber),
    sized ? concurrency * 4 : concurrency,
    deps.clock,
  )
  const meter = createMeter(sized?.sizeBytes ?? null, options.onProgress)
  const sent = new Map<number, SentPart>()
  meter.resume(arrivedBytes(arrived, partCount))
  await forEachConcurrent(
    partsOf(source, upload),
    { concurrency, signal: options.signal },
    async (part, signal) => {
      const held = arrived.get(part.partNumber)
      if (held && (await isSame(deps, part, held, options))) {
        sent.set(part.partNumber, held)
        return
      }
      if (held) meter.resume(-held.sizeBytes)
      const fresh = await sendPart(deps, part, urls, meter, { ...options, signal })
      sent.set(part.partNumber, fresh)
      meter.keep(fresh.sizeBytes)
    },
  )
  return sent
}

function arrivedBytes(arrived: ReadonlyMap<number, SentPart>, partCount: number): number {
  let bytes = 0
  for (const [partNumber, { sizeBytes }] of arrived) if (partNumber <= partCount) bytes += sizeBytes
  return bytes
}

function concurrencyOf(upload: UploadState, sized: SizedSource | undefined, options: UploadOptions): number {
  const asked = Math.max(1, options.concurrency ?? concurrencyDefault)
  return sized ? asked : Math.max(1, Math.min(asked, Math.floor(streamBytesMax / upload.partSizeBytes)))
}

/** Size always; content too where it is asked for and the store's ETag is an MD5. */
async function isSame(
  deps: TransferDeps,
  part: Part,
  held: SentPart,
  options: UploadOptions,
): Promise<boolean> {
  if (held.sizeBytes !== bodySizeBytes(part.body)) return false
  const md5 = options.verify === 'checksum' ? md5OfEtag(held.etag) : null
  return md5 === null || md5 === (await md5Hex(deps.transport, part.body, options.signal))
}

async function sendPart(
  deps: TransferDeps,
  part: Part,
  urls: PartUrls,
  meter: Meter,
  options: UploadOptions,
): Promise<SentPart> {
  const onProgress = meter.piece()
  const { body } = part
  const { signal } = options
  const { response, issued } = await sendSigned(deps, {
    url: urls.of(part.partNumber),
    body,
    onProgress,
    signal,
  })
  response.body.discard()
  const etag = etagOf(response, issued)
  if (options.verify === 'checksum') await checkMd5(deps.transport, body, response, issued, signal)
  const sizeBytes = bodySizeBytes(body)
  onProgress(sizeBytes)
  return { sizeBytes, etag }
}

async function completeUpload(
  deps: TransferDeps,
  address: Address,
  uploadId: string,
  sent: ReadonlyMap<number, SentPart>,
  options: UploadOptions,
): Promise<UploadResult> {
  const parts = [...sent].map(([partNumber, { etag }]) => ({ partNumber, etag })).toSorted(byNumber)
  const named = parts.filter((part): part is { partNumber: number; etag: string } => part.etag !== null)
  const done = await deps.api.call(
    'completeUpload',
    // Where a store gives no ETags (Azure), the sizes that it holds are compared below.
    { params: { team: address.team, uploadId }, body: named.length === parts.length ? { parts: named } : {} },
    { signal: options.signal },
  )
  const sizeBytes = [...sent.values()].reduce((sum, part) => sum + part.sizeBytes, 0)
  if (done.sizeBytes !== sizeBytes) {
    throw new TransferError(
      'size_mismatch',
      `${sizeBytes} bytes were sent, but the object ${JSON.stringify(address.key)} has ${done.sizeBytes}`,
    )
  }
  return { ...address, sizeBytes, etag: done.etag, versionId: done.versionId, uploadId }
}

function byNumber(a: { partNumber: number }, b: { partNumber: number }): number {
  return a.partNumber - b.partNumber
}

async function giveUp(
  deps: TransferDeps,
  upload: UploadState,
  error: unknown,
  options: UploadOptions,
): Promise<void> {
  if (!options.abortOnFailure) {
    if (error instanceof TransferError) error.uploadId ??= upload.uploadId
    return
  }
  const params = { team: upload.team, uploadId: upload.uploadId }
  // The failure itself is what the caller must hear of; an upload that stays is swept away by the server.
  await deps.api.call('abortUpload', { params }).catch(() => {})
}
