import type { OpenConnector } from '../../domain/connector.ts'
import { LONGEST_LIFE_MS, s3PartLimits } from '../s3/open.ts'
import { gcsAddress } from './address.ts'
import { operateGcs } from './operate.ts'
import { gcsCredentialOf, signGcs, type GcsSettings, type GcsSigner } from './sign.ts'
import type { XmlApiDeps } from './xml-api.ts'

/** @throws SignpostError `invalid` when the private key is none */
export function openGcs(settings: GcsSettings, deps: XmlApiDeps): OpenConnector {
  const signer: GcsSigner = {
    address: gcsAddress(settings),
    credential: gcsCredentialOf(settings),
    marker: settings.marker,
  }
  return {
    kind: 'gcs',
    latestExpiry: (now) => ({ at: now + LONGEST_LIFE_MS, limitedBy: 'provider' }),
    prepare: () => undefined,
    sign: (request) => signGcs(signer, request),
    // The XML API's multipart uploads have S3's limits.
    partLimits: s3PartLimits,
    ...operateGcs(settings.bucket, signer, deps),
  }
}
