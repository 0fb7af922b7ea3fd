import type { OpenConnector } from '../../domain/connector.ts'
import { s3Address } from './address.ts'
import { operateS3 } from './operate.ts'
import { signS3, signsAcl, type S3Settings, type S3Signer } from './sign.ts'

/** SigV4's limit. */
export const LONGEST_LIFE_MS = 604_800_000

/** "Amazon S3 multipart upload limits". The last part may be smaller. */
export const s3PartLimits = {
  partSizeBytesMin: 5 * 2 ** 20,
  partSizeBytesMax: 5 * 2 ** 30,
  partsMax: 10_000,
} as const

/** `localStoreEndpoint`: the embedded store's endpoint, which is known to verify checksums and unsigned headers. */
export function openS3(settings: S3Settings, deps: { localStoreEndpoint?: string }): OpenConnector {
  const address = s3Address({ ...settings, endpoint: settings.endpoint })
  const isLocalStore =
    deps.localStoreEndpoint !== undefined && new URL(deps.localStoreEndpoint).origin === address.serviceOrigin
  const { accessKeyId, secretAccessKey, sessionToken } = settings.credential
  const signer: S3Signer = {
    address: { ...address },
    region: settings.region,
    // One object for the connector's life: the signer keeps the day's signing key with it.
    credential: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    marker: settings.marker,
    verifiesChecksums: isLocalStore || address.provider === 'aws',
    signsAcl: !isLocalStore && signsAcl(address),
  }
  return {
    kind: 's3',
    // When a session token ends, nothing says: the check and the first refusal do.
    latestExpiry: (now) => ({ at: now + LONGEST_LIFE_MS, limitedBy: 'provider' }),
    prepare: () => undefined,
    sign: (request) => signS3(signer, request),
    partLimits: s3PartLimits,
    ...operateS3(settings, address),
  }
}
