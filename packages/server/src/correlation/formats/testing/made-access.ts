/** A signed request, and how its time and its query are written. */
import { encodeComponent } from '@signpost/signing'

export interface Access {
  bucket: string
  key: string
  method: 'GET' | 'PUT'
  status: number
  /** Whole seconds, ms since the epoch. */
  at: number
  address: string
  agent: string
  username: string
  grantId: string
  /** Secrets: no record may hold them. */
  signature: string
  token: string
}

export const accessKeyId = 'ASIAEXAMPLE'

const two = (value: number) => String(value).padStart(2, '0')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function commonTime(at: number): string {
  const date = new Date(at)
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${date.toISOString().slice(11, 19)} +0000`
}

export function s3Query({ username, grantId, signature, token, at }: Access, algorithm = 'Amz'): string {
  const date = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const parameters = {
    [`X-${algorithm}-Algorithm`]: 'AWS4-HMAC-SHA256',
    [`X-${algorithm}-Credential`]: `${accessKeyId}/${date.slice(0, 8)}/us-east-1/s3/aws4_request`,
    [`X-${algorithm}-Date`]: date,
    [`X-${algorithm}-Expires`]: '3600',
    [`X-${algorithm}-Security-Token`]: token,
    [`X-${algorithm}-SignedHeaders`]: 'host',
    'X-Grant': grantId,
    'X-User': username,
    [`X-${algorithm}-Signature`]: signature,
  }
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeComponent(value)}`)
    .join('&')
}

export function sasQuery({ username, signature, at }: Access): string {
  const end = new Date(at + 3_600_000).toISOString().replace('.000', '')
  return `sv=2020-12-06&se=${encodeComponent(end)}&skoid=${accessKeyId}&scid=${encodeComponent(username)}&sig=${encodeComponent(signature)}`
}
