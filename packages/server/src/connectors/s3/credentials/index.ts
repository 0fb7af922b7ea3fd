/** The credential sources of kind s3. A new one is a file and a line here. */
import type { S3Address } from '../address.ts'
import type { S3Settings } from '../sign.ts'
import { assumeRoleSource } from './assume-role.ts'
import { coreweaveOidcSource } from './coreweave-oidc.ts'
import { environmentSource } from './environment.ts'
import { federationTokenSource } from './federation-token.ts'
import type { CredentialSource, CredentialSourceDeps, StsPlace } from './source.ts'
import { staticSource } from './static.ts'

export function createCredentialSource(
  settings: S3Settings,
  address: S3Address,
  deps: CredentialSourceDeps,
): CredentialSource {
  const { credential, region } = settings
  const isAws = address.provider === 'aws'
  const place: StsPlace = { isAws, ownEndpoint: isAws ? undefined : address.serviceOrigin }
  switch (credential.type) {
    case 'static':
      return staticSource(credential)
    case 'environment':
      return environmentSource({ ...credential, region }, deps)
    case 'assumeRole':
      return assumeRoleSource(credential, settings, place, deps)
    case 'federationToken':
      return federationTokenSource(credential, settings, place, deps)
    case 'coreweaveOidc':
      return coreweaveOidcSource(credential, deps)
  }
}
