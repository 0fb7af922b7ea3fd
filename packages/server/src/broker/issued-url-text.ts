import type { IssuedUrl } from '@signpost/contract'
import { jsonString } from '../domain/json-text.ts'

/**
 * The JSON of an answer, without its braces. Written by hand, since a batch has thousands; only the fields that the
 * contract names are in it, whatever else the object holds. The URL goes in as it is: a signer's has no character that JSON
 * would escape (`url-characters.test.ts` of the signers).
 */
export function issuedUrlFields(issued: IssuedUrl): string {
  const { grantId, method, url, headers, fields, audience, successStatuses, expiresAt, limitedBy } = issued
  const { enforcement, etagExpected } = issued
  return (
    `"grantId":${jsonString(grantId)},"method":"${method}","url":"${url}","headers":${recordText(headers)}` +
    (fields === undefined ? '' : `,"fields":${recordText(fields)}`) +
    (audience === undefined ? '' : `,"audience":${jsonString(audience)}`) +
    `,"successStatuses":[${successStatuses.join()}],"expiresAt":"${expiresAt}","limitedBy":"${limitedBy}"` +
    `,"enforcement":${recordText(enforcement)}` +
    (etagExpected === undefined ? '' : `,"etagExpected":${etagExpected}`)
  )
}

/** Mostly there is nothing in it. */
function recordText(record: Readonly<Record<string, string>>): string {
  for (const _ in record) return JSON.stringify(record)
  return '{}'
}
