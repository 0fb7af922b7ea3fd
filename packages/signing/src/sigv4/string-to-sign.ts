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
