import { randomBytes } from 'node:crypto'
import { startStandIn, type Answer, type Asked, type StandIn } from './stand-in.ts'

export interface AwsMetadata extends StandIn {
  /** For a container: what AWS_CONTAINER_CREDENTIALS_FULL_URI is set to. */
  containerUri: string
  /** For a container: what AWS_CONTAINER_AUTHORIZATION_TOKEN is set to. */
  containerToken: string
  /** The next ones differ from those before, and last as long. */
  rotate(lifeSeconds: number): void
  accessKeyId: () => string
}

/**
 * Credentials that AWS puts beside a container (task role, pod identity) and on an instance (IMDSv2), by their pages. A
 * stand-in: they exist on AWS's machines only.
 */
export async function startAwsMetadata(): Promise<AwsMetadata> {
  const containerToken = randomBytes(16).toString('hex')
  const instanceToken = randomBytes(16).toString('hex')
  let current = credentials(6 * 3600)
  const answer = ({ method, path, headers }: Asked): Answer => {
    if (path === '/container')
      return headers.authorization === containerToken ? json(current) : { status: 401, body: '' }
    if (path === '/latest/api/token') {
      const isAsked = method === 'PUT' && headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
      return isAsked ? { status: 200, body: instanceToken } : { status: 400, body: '' }
    }
    if (headers['x-aws-ec2-metadata-token'] !== instanceToken) return { status: 401, body: '' }
    if (path === '/latest/meta-data/iam/security-credentials/') return { status: 200, body: 'signer' }
    if (path === '/latest/meta-data/iam/security-credentials/signer') return json(current)
    return { status: 404, body: '' }
  }
  const standIn = await startStandIn(answer)
  return {
    ...standIn,
    containerUri: `${standIn.endpoint}/container`,
    containerToken,
    rotate: (lifeSeconds) => void (current = credentials(lifeSeconds)),
    accessKeyId: () => current.AccessKeyId,
  }
}

function credentials(lifeSeconds: number) {
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    LastUpdated: new Date().toISOString(),
    AccessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    SecretAccessKey: randomBytes(20).toString('hex'),
    Token: randomBytes(60).toString('base64'),
    Expiration: new Date(Date.now() + lifeSeconds * 1000).toISOString(),
  }
}

function json(body: object): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
