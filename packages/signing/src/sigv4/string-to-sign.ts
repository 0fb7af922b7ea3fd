/** Stage 2 of SigV4 and GOOG4: algorithm, time, scope, and the digest of the canonical request. */

import { hash } from 'node:crypto'

export function stringToSign(
  algorithm: string,
  timestamp: string,
  scope: string,
  canonicalRequest: string,
): string {
  return `${algorithm}\n${timestamp}\n${scope}\n${hash('sha256', canonicalRequest, 'hex')}`
}

/** Credential scope: `20130524/us-east-1/s3/aws4_request`. */
export function credentialScope(day: string, region: string, service: string, terminator: string): string {
  return `${day}/${region}/${service}/${terminator}`
}

/** ISO 8601 basic format in UTC, `20130524T000000Z`; its first eight characters are the scope's day. */
export function basicTimestamp(epochMilliseconds: number): string {
  const iso = new Date(epochMilliseconds).toISOString()
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
}
