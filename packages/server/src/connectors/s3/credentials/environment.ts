/**
 * The identity of the server itself, by the official SDK's chain: variables, shared profile, web identity, container,
 * instance. It is the operator's, so only admins of the organisation may let a connector use it.
 */

import { networkError } from '../../store-error.ts'
import { createSessions } from './sessions.ts'
import type { CredentialSource, CredentialSourceDeps, TimedCredential } from './source.ts'
import { unavailable } from './sts-error.ts'

interface Identity {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}
type Provider = (options?: { forceRefresh?: boolean }) => Promise<Identity>

/** For Signpost's own calls and those to a token service: what ends sooner is asked for again. */
export const OWN_LIFE_MS = 600_000

export function environmentSource(
  { profile, region }: { profile?: string | undefined; region: string },
  { clock }: Pick<CredentialSourceDeps, 'clock'>,
): CredentialSource {
  const sessions = createSessions({ clock })
  let opened: Promise<Provider> | undefined
  const ask = async (): Promise<TimedCredential> => {
    try {
      const provider = await (opened ??= openProvider(profile, region))
      // The chain keeps what it found until shortly before its end; when and how often to ask is decided here.
      return timedOf(await provider({ forceRefresh: true }))
    } catch (error) {
      throw identityError(error, profile)
    }
  }
  return {
    forScope: ({ until }) => sessions.get('', until, ask),
    own: () => sessions.get('', clock() + OWN_LIFE_MS, ask),
    close: () => sessions.close(),
  }
}

async function openProvider(profile: string | undefined, region: string): Promise<Provider> {
  const { fromIni, fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
  // Token services that a profile or web identity needs are asked in the connector's region, unless it names another.
  const clientConfig = { region }
  return profile === undefined
    ? (fromNodeProviderChain({ clientConfig, ignoreCache: true }) as Provider)
    : (fromIni({ profile, clientConfig, ignoreCache: true }) as Provider)
}

function timedOf({ accessKeyId, secretAccessKey, sessionToken, expiration }: Identity): TimedCredential {
  const credential = {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  }
  return { credential, endsAt: expiration?.getTime() ?? null }
}

/** The providers' own sentences may repeat what a file or a process said: only their kind goes out. */
function identityError(error: unknown, profile: string | undefined): Error {
  const what = profile === undefined ? 'an AWS identity' : `an AWS profile ${profile}`
  const kind = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'Error'
  const unreachable = networkError(error, { host: 'its source' })
  const why = unreachable ? ` (${unreachable.message})` : ''
  return unavailable(
    `This server has no credential of ${what} now${why}. Fix: give the server one by variables, a profile, web identity, or its container's or machine's role.`,
    new Error(kind),
    unreachable ? 1 : undefined,
  )
}
