import type { OpenConnector, Signer } from '../../domain/connector.ts'
import { audienceAddress } from '../audience-address.ts'
import { LONGEST_LIFE_MS, s3PartLimits } from '../s3/open.ts'
import { gcsAddress, type GcsAddress } from './address.ts'
import { operateGcs } from './operate.ts'
import { gcsCredentialOf, signGcs, type GcsSettings, type GcsSigner } from './sign.ts'
import type { XmlApiDeps } from './xml-api.ts'

/** @throws SignpostError `invalid` when the private key is none */
export function openGcs(settings: GcsSettings, deps: XmlApiDeps): OpenConnector {
  const address = gcsAddress(settings)
  const credential = gcsCredentialOf(settings)
  const signerAt = (at: GcsAddress): GcsSigner => ({
    address: at,
    bucket: settings.bucket,
    credential,
    marker: settings.marker,
  })
  const signers = new Map<GcsAddress, Signer>()
  const addressFor = audienceAddress(address, settings.audiences, ({ endpoint, addressing }) =>
    gcsAddress({ ...settings, endpoint, addressing: addressing ?? settings.addressing }),
  )
  return {
    kind: 'gcs',
    signer(scope) {
      const at = addressFor(scope.audience)
      let found = signers.get(at)
      if (!found) {
        const gcsSigner = signerAt(at)
        found = {
          latestExpiry: (now) => ({ at: now + LONGEST_LIFE_MS, limitedBy: 'provider' }),
          sign: (request) => signGcs(gcsSigner, request),
        }
        signers.set(at, found)
      }
      return found
    },
    // The XML API's multipart uploads have S3's limits.
    partLimits: s3PartLimits,
    ...operateGcs(settings.bucket, signerAt(address), deps),
  }
}
