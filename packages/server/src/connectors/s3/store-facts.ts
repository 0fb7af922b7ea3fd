/** Which S3 store it is, and whom its policies would have to name. Nothing says so in the protocol: told by host name and headers. */
import type { ConnectorSettings } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import { ownAddressTowards } from '../own-address.ts'
import type { StoreFacts } from '../policies/input.ts'
import type { S3Store } from '../policies/s3-stores.ts'
import { s3Address } from './address.ts'

const answerMs = 2000

type S3 = Extract<ConnectorSettings, { kind: 's3' }>

/** Never throws: what cannot be found out is not known. */
export async function s3StoreFacts(
  settings: S3,
  connector: Pick<OpenConnector, 'configuration'>,
  deps: { fetch: typeof fetch },
): Promise<StoreFacts> {
  const { serviceOrigin } = s3Address({ ...settings, endpoint: settings.endpoint })
  const kind = await recogniseS3Store(settings, deps)
  const [signer, ownAddress] = await Promise.all([
    kind === 'ceph' ? cephUser(connector) : null,
    ownAddressTowards(serviceOrigin),
  ])
  return { kind, signer, ownAddress }
}

/** By host name where it says; else by how it answers a question without a signature. */
export async function recogniseS3Store(settings: S3, deps: { fetch: typeof fetch }): Promise<S3Store> {
  const { provider, serviceOrigin, host } = s3Address({ ...settings, endpoint: settings.endpoint })
  if (provider !== 'other') return provider
  if (host.endsWith('.r2.cloudflarestorage.com')) return 'r2'
  try {
    // A store that redirects would choose what this server connects to next.
    const answer = await deps.fetch(`${serviceOrigin}/`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    await answer.body?.cancel()
    return storeOf(answer.headers)
  } catch {
    return 'other'
  }
}

function storeOf(headers: Headers): S3Store {
  const server = headers.get('server') ?? ''
  if (/^MinIO\b/i.test(server)) return 'minio'
  if (server === 'signpost-local-store') return 'local'
  if (/^Ceph Object Gateway\b/i.test(server)) return 'ceph'
  // Its transaction ids end with the zone: tx, 21 digits, time, instance, zone. (Swift's have no instance and zone.)
  if (/^tx[0-9a-f]{21}-[0-9a-f]{10}-[0-9a-f]+-./.test(headers.get('x-amz-request-id') ?? '')) return 'ceph'
  return 'other'
}

/** "Bucket Policies" of Ceph: `arn:aws:iam::tenant:user/name`; its ids of users with a tenant are `tenant$name`. */
async function cephUser({ configuration }: Pick<OpenConnector, 'configuration'>): Promise<string | null> {
  const id = await configuration?.readOwnUser?.().catch(() => null)
  if (!id) return null
  const at = id.indexOf('$')
  return `arn:aws:iam::${id.slice(0, Math.max(at, 0))}:user/${id.slice(at + 1)}`
}
