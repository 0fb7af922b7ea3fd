import type { OpenConnector, Signer, SigningScope } from '../../domain/connector.ts'
import { audienceAddress } from '../audience-address.ts'
import { s3Address, type S3Address } from './address.ts'
import { createCredentialSource } from './credentials/index.ts'
import type { CredentialSourceDeps, TimedCredential } from './credentials/source.ts'
import { operateS3 } from './operate.ts'
import { s3Revocation } from './revoke.ts'
import { signS3, signsAcl, type S3Settings, type S3Signer } from './sign.ts'

/** SigV4's limit. */
export const LONGEST_LIFE_MS = 604_800_000
/** Kept of a credential's life: URLs end before it does. */
const MARGIN_MS = 5_000

/** "Amazon S3 multipart upload limits". The last part may be smaller. */
export const s3PartLimits = {
  partSizeBytesMin: 5 * 2 ** 20,
  partSizeBytesMax: 5 * 2 ** 30,
  partsMax: 10_000,
} as const

/** `localStoreEndpoint`: the embedded store's endpoint, which is known to verify checksums and unsigned headers. */
export function openS3(
  settings: S3Settings,
  deps: CredentialSourceDeps & { localStoreEndpoint?: string; userAgent?: string },
): OpenConnector {
  const address = s3Address({ ...settings, endpoint: settings.endpoint })
  const isLocalStore =
    deps.localStoreEndpoint !== undefined && new URL(deps.localStoreEndpoint).origin === address.serviceOrigin
  const source = createCredentialSource(settings, address, deps)
  const addressFor = audienceAddress(address, settings.audiences, ({ endpoint, addressing }) =>
    s3Address({ ...settings, endpoint, addressing: addressing ?? settings.addressing }),
  )
  const signerWith = (timed: TimedCredential, at: S3Address): Signer => {
    const s3Signer: S3Signer = {
      address: { ...at },
      bucket: settings.bucket,
      region: settings.region,
      credential: timed.credential,
      boundToNetworks: timed.boundToNetworks === true,
      marker: settings.marker,
      verifiesChecksums: isLocalStore || address.provider === 'aws',
      signsAcl: !isLocalStore && signsAcl(address),
    }
    return { latestExpiry: (now) => latestExpiry(timed, now), sign: (request) => signS3(s3Signer, request) }
  }
  // One signer for a credential and an address, as long as somebody has the credential.
  const signers = new WeakMap<TimedCredential, Map<S3Address, Signer>>()
  const signerOf = (timed: TimedCredential, at: S3Address): Signer => {
    let known = signers.get(timed)
    if (!known) signers.set(timed, (known = new Map<S3Address, Signer>()))
    let found = known.get(at)
    if (!found) known.set(at, (found = signerWith(timed, at)))
    return found
  }
  const { close, ...operations } = operateS3(settings, address, () => source.own(), deps.userAgent)
  return {
    kind: 's3',
    signer(scope: SigningScope) {
      const at = addressFor(scope.audience)
      const timed = source.forScope(scope)
      return timed instanceof Promise ? timed.then((got) => signerOf(got, at)) : signerOf(timed, at)
    },
    partLimits: s3PartLimits,
    ...operations,
    revocation: s3Revocation(settings, operations.configuration, deps),
    async ping(timeoutMs, prefix) {
      // The time is the bucket's: a token service has its own.
      await source.own()
      await operations.ping(timeoutMs, prefix)
    },
    close() {
      source.close()
      close()
    },
  }
}

function latestExpiry({ endsAt }: TimedCredential, now: number): ReturnType<Signer['latestExpiry']> {
  const provider = now + LONGEST_LIFE_MS
  if (endsAt !== null && endsAt - MARGIN_MS < provider)
    return { at: endsAt - MARGIN_MS, limitedBy: 'credential' }
  return { at: provider, limitedBy: 'provider' }
}
