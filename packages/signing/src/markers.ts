/**
 * Markers: signed query parameters that name requester and grant, to be found again in the bucket's access log. The
 * signer percent-encodes them, so a username survives whatever characters it holds.
 */

import { checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'

export interface MarkerInput {
  username: string
  grantId: string
}

/** S3 ignores parameters that begin with `x-` and writes them into the access log. */
export function s3Markers({ username, grantId }: MarkerInput): Record<'X-User' | 'X-Grant', string> {
  checkText('username', username)
  checkText('grantId', grantId)
  return { 'X-User': username, 'X-Grant': grantId }
}

const AUDIT_USER = 'x-goog-custom-audit-user'
const AUDIT_GRANT = 'x-goog-custom-audit-grant'
/** Google: names up to 64 characters with the prefix (ours are shorter), values up to 1,200, four a request. */
const LONGEST_AUDIT_VALUE = 1200

/** Cloud Audit Logs hold no query string, but these two entries (`audit_info`); the usage log has the `X-` pair. */
export function gcsMarkers(
  input: MarkerInput,
): Record<'X-User' | 'X-Grant' | typeof AUDIT_USER | typeof AUDIT_GRANT, string> {
  const markers = s3Markers(input)
  checkAuditValue('username', input.username)
  checkAuditValue('grantId', input.grantId)
  return { ...markers, [AUDIT_USER]: input.username, [AUDIT_GRANT]: input.grantId }
}

function checkAuditValue(field: string, value: string): void {
  if (value.length > LONGEST_AUDIT_VALUE)
    throw new SigningInputError(
      field,
      `must be at most ${LONGEST_AUDIT_VALUE} characters for Google's audit log`,
    )
}
