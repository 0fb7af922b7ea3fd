import type { OpenConnector, Signer } from '../../domain/connector.ts'
import { audienceAddress } from '../audience-address.ts'
import { s3PartLimits } from '../s3/open.ts'
import { gcsAddress, type GcsAddress } from './address.ts'
import { gcsCredentials, type GcsSigningCredential } from './credentials.ts'
import { operateGcs } from './operate.ts'
import { gcsRevocation } from './revoke.ts'
import type { SignBlobDeps } from './sign-blob.ts'
import { signGcs, type GcsSettings, type GcsSigner } from './sign.ts'

/** @throws SignpostError `invalid` when the private key is none */
export function openGcs(settings: GcsSettings, deps: SignBlobDeps & { userAgent?: string }): OpenConnector {
  const address = gcsAddress(settings)
  const credentials = gcsCredentials(settings, deps)
  const signerAt = (at: GcsAddress, credential: GcsSigningCredential): GcsSigner => ({
    address: at,
    bucket: settings.bucket,
    credential,
    marker: settings.marker,
  })
  const addressFor = audienceAddress(address, settings.audiences, ({ endpoint, addressing }) =>
    gcsAddress({ ...settings, endpoint, addressing: addressing ?? settings.addressing }),
  )
  const latestExpiry: Signer['latestExpiry'] = (now) => ({
    at: now + credentials.longestLifeMs,
    limitedBy: 'provider',
  })
  // One signer for a credential and an address.
  const signers = new Map<GcsSigningCredential, Map<GcsAddress, Signer>>()
  return {
    kind: 'gcs',
    signer({ audience, team }) {
      const at = addressFor(audience)
      const credential = credentials.forTeam(team)
      let known = signers.get(credential)
      if (!known) signers.set(credential, (known = new Map<GcsAddress, Signer>()))
      let found = known.get(at)
      if (!found) {
        const gcsSigner = signerAt(at, credential)
        known.set(at, (found = { latestExpiry, sign: (request) => signGcs(gcsSigner, request) }))
      }
      return found
    },
    // The XML API's multipart uploads have S3's limits.
    partLimits: s3PartLimits,
    revocation: gcsRevocation(settings),
    ...operateGcs(settings.bucket, signerAt(address, credentials.own), deps),
  }
}
