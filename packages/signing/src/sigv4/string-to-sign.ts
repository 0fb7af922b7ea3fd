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

/** What a signature is good for: one day, one region, one service. */
export interface CredentialScope {
  /** `20130524` */
  day: string
  region: string
  service: string
  /** `aws4_request` or `goog4_request`. */
  terminator: string
}

/** `20130524/us-east-1/s3/aws4_request` */
export function credentialScope({ day, region, service, terminator }: CredentialScope): string {
  return `${day}/${region}/${service}/${terminator}`
}

/** ISO 8601 basic format in UTC, `20130524T000000Z`; its first eight characters are the scope's day. */
export function basicTimestamp(epochMilliseconds: number): string {
  // Not cut out of toISOString: that costs as much as the signature's hash.
  const at = new Date(epochMilliseconds)
  const day = `${String(at.getUTCFullYear()).padStart(4, '0')}${twoDigits(at.getUTCMonth() + 1)}${twoDigits(at.getUTCDate())}`
  return `${day}T${twoDigits(at.getUTCHours())}${twoDigits(at.getUTCMinutes())}${twoDigits(at.getUTCSeconds())}Z`
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}
