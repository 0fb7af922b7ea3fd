/** What signs for a bucket of Google Cloud Storage: a key at hand, or a service account that IAM signs for. */

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { SignpostError } from '@signpost/contract'
import type { GcsHmacCredential, GcsRsaCredential, GcsSignBlobCredential } from '@signpost/signing'
import { LONGEST_LIFE_MS } from '../s3/open.ts'
import { createAccessTokens, keyToken, metadataToken } from './access-token.ts'
import { createSignBlob, type SignBlobDeps } from './sign-blob.ts'
import type { GcsSettings } from './sign.ts'

export type GcsSigningCredential = GcsHmacCredential | GcsRsaCredential | GcsSignBlobCredential

export interface GcsCredentials {
  /** For URLs of this team: the same object each time. */
  forTeam(team: string): GcsSigningCredential
  /** For Signpost's own calls. */
  own: GcsSigningCredential
  /** Longest life of a URL. */
  longestLifeMs: number
}

/** "Keys behind signBlob stay valid for at least 12 hours after the signature": signBlob, response body. */
const IMPERSONATED_LIFE_MS = 12 * 3_600_000

/** Parses keys once; reaches nothing. @throws SignpostError `invalid` naming the field */
export function gcsCredentials({ credential }: GcsSettings, deps: SignBlobDeps): GcsCredentials {
  switch (credential.type) {
    case 'hmacKey': {
      const { accessId, secret } = credential
      return single({ type: 'hmac', accessId, secret })
    }
    case 'serviceAccountKey': {
      const { clientEmail, privateKey } = credential
      return single({ type: 'rsa', clientEmail, privateKey: rsaKeyOf(privateKey, 'settings.credential') })
    }
    case 'impersonation':
      return impersonated(credential, deps)
  }
}

/** As it stands in `X-Goog-Credential`. */
export function signerName(credential: GcsSigningCredential): string {
  return credential.type === 'hmac' ? credential.accessId : credential.clientEmail
}

function single(own: GcsSigningCredential): GcsCredentials {
  return { forTeam: () => own, own, longestLifeMs: LONGEST_LIFE_MS }
}

type Impersonation = Extract<GcsSettings['credential'], { type: 'impersonation' }>

function impersonated(credential: Impersonation, deps: SignBlobDeps): GcsCredentials {
  const { source, serviceAccount, teamServiceAccounts = [], iamEndpoint } = credential
  const fetchToken =
    source.type === 'metadata'
      ? metadataToken(deps, source.metadataHost)
      : keyToken(deps, { ...source, privateKey: rsaKeyOf(source.privateKey, 'settings.credential.source') })
  const signBlob = createSignBlob(deps, createAccessTokens(deps, fetchToken), iamEndpoint)
  const of = (clientEmail: string): GcsSignBlobCredential => ({
    type: 'signBlob',
    clientEmail,
    signBlob: (text) => signBlob(clientEmail, text),
  })
  const own = of(serviceAccount)
  const teams = new Map(teamServiceAccounts.map(({ team, serviceAccount: account }) => [team, of(account)]))
  return { forTeam: (team) => teams.get(team) ?? own, own, longestLifeMs: IMPERSONATED_LIFE_MS }
}

function rsaKeyOf(pem: string, place: string): KeyObject {
  const field = `${place}.privateKey`
  const refused = (why: string) =>
    new SignpostError(
      'invalid',
      `${field} ${why}: paste the private_key of the service account's key file.`,
      { field },
    )
  let key: KeyObject
  try {
    // Cut out of the JSON key file by hand, it has \n in two characters.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw refused('is not a PEM private key')
  }
  if (key.asymmetricKeyType !== 'rsa') throw refused('is not an RSA key')
  return key
}
