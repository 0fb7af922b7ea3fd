/** Events of URLs as the broker writes them, and the lines that S3 would log of their use. */
import type { AuditEvent } from '@signpost/contract'

export const bucketName = 'team-data'
export const signerName = 'AKIDEXAMPLE'
export const dayStart = Date.UTC(2026, 10, 23, 9)

export function grantIdOf(index: number): string {
  return `0193569c-0000-7000-8000-${String(index).padStart(12, '0')}`
}

/** The user of a grant: ten of them in turn. */
export function userOf(index: number): string {
  return `user-${index % 10}`
}

export function issuedEvent(index: number, over: Partial<AuditEvent> = {}): AuditEvent {
  const at = dayStart + index * 10
  const username = userOf(index)
  return {
    id: `event-${index}`,
    at: new Date(at).toISOString(),
    type: 'url.issue',
    decision: 'allow',
    reason: 'team_viewer',
    principalId: `id-${username}`,
    username,
    apiKeyId: `key-${username}`,
    address: '192.0.2.1',
    team: 'vision',
    connector: 'main',
    bucket: bucketName,
    key: `vision/run-${index}/model.bin`,
    action: 'read',
    method: 'GET',
    grantId: grantIdOf(index),
    expiresAt: new Date(Math.floor(at / 1000) * 1000 + 3_600_000).toISOString(),
    limitedBy: 'policy',
    marker: username,
    signer: signerName,
    signatureDigest: '0'.repeat(64),
    ...over,
  }
}

export interface LineOver {
  user?: string
  query?: string
  status?: string
  key?: string
  bucket?: string
  requestId?: string
  authentication?: string
  requester?: string
  agent?: string
  afterMs?: number
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

export function s3Line(event: AuditEvent, over: LineOver = {}): string {
  const issued = Date.parse(event.at)
  const basic = event.at.replaceAll(/[-:]|\.\d+/g, '')
  const seconds = (Date.parse(event.expiresAt!) - Math.floor(issued / 1000) * 1000) / 1000
  const query =
    over.query ??
    `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${event.signer}%2F20261123%2Fus-east-1%2Fs3%2Faws4_request` +
      `&X-Amz-Date=${basic}&X-Amz-Expires=${seconds}&X-Amz-SignedHeaders=host&X-Grant=${event.grantId}` +
      `&X-User=${encodeURIComponent(over.user ?? event.marker!)}&X-Amz-Signature=${'X'.repeat(32)}`
  const { bucket = bucketName, key = event.key!, status = '200 -', agent = 'curl/8.5' } = over
  const { requester = 'arn:aws:iam::123456789012:user/broker', authentication = 'QueryString' } = over
  const at = new Date(issued + (over.afterMs ?? 2000))
  const two = (value: number) => String(value).padStart(2, '0')
  const time = `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
  const mark = query === '' ? '' : `?${query}`
  return (
    `79a5 ${bucket} [${time}] 192.0.2.1 ${requester} ${over.requestId ?? `R${event.grantId}`} REST.GET.OBJECT ${key} ` +
    `"GET /${key}${mark} HTTP/1.1" ${status} 1024 1024 12 10 "-" "${agent}" - hostid= SigV4 ECDHE-RSA-AES128-GCM-SHA256 ` +
    `${authentication} ${bucket}.s3.us-east-1.amazonaws.com TLSV1.2 - -`
  )
}
