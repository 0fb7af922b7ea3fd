/** The credential sources of kind s3. A new one is a file and a line here. */
import { SignpostError } from '@signpost/contract'
import type { S3Settings } from '../sign.ts'
import type { CredentialSource, CredentialSourceDeps } from './source.ts'
import { staticSource } from './static.ts'

export function createCredentialSource(settings: S3Settings, _deps: CredentialSourceDeps): CredentialSource {
  const { credential } = settings
  switch (credential.type) {
    case 'static':
      return staticSource(credential)
    default:
      throw new SignpostError('credential_unavailable', 'settings.credential.type: is not there yet.')
  }
}
