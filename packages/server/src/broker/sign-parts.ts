import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { partLength } from '../domain/arrived-parts.ts'
import type { SignRequest } from '../domain/connector.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { isRecordedRefusal } from './issue-url.ts'
import { commitIssued, requireDeclared } from './budget-use.ts'
import { checkSizeCap } from './caps.ts'
import { markerOf, signRequest, type Issued, type Wish } from './issuing.ts'
import { openIssuing, type Issuing } from './open-issuing.ts'
import { recordRefusal } from './refuse.ts'
import { requireOpen, requireUpload, type UsableUpload } from './upload-access.ts'

/** URLs of parts: each with its own grant, and the same markers as any other URL. */
export async function signParts(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'signParts'>,
): Promise<Reply<'signParts'>> {
  const usable = await requireUpload(deps, caller, params, 'url.issue')
  requireOpen(usable.upload, deps.clock())
  checkNumbers(usable, body.partNumbers)
  try {
    if (usable.decision.limits !== undefined)
      checkSizeCap(usable.decision.limits, 'sizeBytes', usable.upload.size_bytes ?? undefined)
    requireDeclared(deps.rules(usable.target).budgets, 'sizeBytes', usable.upload.size_bytes)
    const issuing = await openIssuing(deps, caller, usable.target)
    const issued = await Promise.all(
      body.partNumbers.map(async (number) =>
        signPart(issuing, usable, number, { ...body, expiryMode: 'shorten' }),
      ),
    )
    await commitIssued(issuing, { statements: [], events: issued.map(({ event }) => event) })
    return { parts: issued.map(({ reply }, index) => ({ ...reply, partNumber: body.partNumbers[index]! })) }
  } catch (error) {
    if (isRecordedRefusal(error)) await recordRefusal(deps, caller, 'url.issue', error.code, usable.fields)
    throw error
  }
}

function signPart(
  issuing: Issuing,
  { upload, decision }: UsableUpload,
  partNumber: number,
  wish: Wish,
): Issued | Promise<Issued> {
  const request: SignRequest = {
    action: 'write',
    method: 'PUT',
    key: upload.object_key,
    signedAt: issuing.signedAt,
    expiresAt: 0,
    marker: markerOf(issuing),
    part: { storeUploadId: upload.store_upload_id, partNumber },
  }
  // A part of a known size is held to it, where the store can: the URL of a part is no door for anything larger.
  if (upload.size_bytes !== null) {
    request.contentLength = partLength(partNumber, upload.size_bytes, upload.part_size_bytes)
  }
  return signRequest(issuing, request, wish, decision, { uploadId: upload.id, partNumber })
}

function checkNumbers({ upload, named }: UsableUpload, partNumbers: readonly number[]): void {
  const { partsMax } = named.connector.partLimits
  const last =
    upload.size_bytes === null ? partsMax : Math.max(1, Math.ceil(upload.size_bytes / upload.part_size_bytes))
  if (partNumbers.every((number) => number <= last)) return
  throw new SignpostError('invalid', `partNumbers: this upload has parts 1 to ${last}.`, {
    field: 'partNumbers',
  })
}
