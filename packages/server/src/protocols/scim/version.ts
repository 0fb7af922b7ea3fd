/** Entity tags (RFC 7644 §3.14, RFC 9110 §8.8.3). Weak: the same state may be written in other bytes. */
import { hash } from 'node:crypto'
import { ScimError } from './errors.ts'

/** Of all that the resource says. */
export function versionOf(state: unknown): string {
  return `W/"${hash('sha256', JSON.stringify(state), 'base64url').slice(0, 22)}"`
}

/** RFC 9110 §13.1.1; a client of SCIM has weak tags only, so they are compared as such. */
export function requireMatch(ifMatch: string | undefined, version: string | undefined): void {
  if (ifMatch === undefined || matches(ifMatch, version)) return
  throw new ScimError(412, 'It was changed since this version: read it again, then repeat.')
}

export function isUnchanged(ifNoneMatch: string | undefined, version: string | undefined): boolean {
  return ifNoneMatch !== undefined && matches(ifNoneMatch, version)
}

function matches(header: string, version: string | undefined): boolean {
  if (header.trim() === '*') return true
  const opaque = version?.slice('W/'.length)
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === opaque)
}
