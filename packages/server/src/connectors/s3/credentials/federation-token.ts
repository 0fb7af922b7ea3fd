/**
 * Sessions of an IAM user's key, up to 36 hours: the one way on AWS to a URL that can be written to for 24 hours and
 * still names its requester in CloudTrail and reaches one team only.
 */

import type { S3Settings } from '../sign.ts'
import { FEDERATED_NAME_MAX, OWN_SESSION, requesterName, sessionName } from './session-name.ts'
import { partitionOf, sessionPolicy } from './session-policy.ts'
import { createSessions } from './sessions.ts'
import { scopeKey, type CredentialSource, type CredentialSourceDeps, type StsPlace } from './source.ts'
import { staticSource } from './static.ts'
import { createSts } from './sts.ts'

type FederationToken = Extract<S3Settings['credential'], { type: 'federationToken' }>

/** STS API, GetFederationToken: the most for a user, whose sessions can be ended by the user's policies at any time. */
const DURATION_SECONDS = 129_600

export function federationTokenSource(
  credential: FederationToken,
  { bucket, region, marker }: S3Settings,
  place: StsPlace,
  deps: Pick<CredentialSourceDeps, 'clock'>,
): CredentialSource {
  const { perRequester, durationSeconds = DURATION_SECONDS } = credential
  const user = staticSource(credential)
  const sts = createSts({
    region,
    endpoint: credential.stsEndpoint ?? place.ownEndpoint,
    caller: () => user.own(),
    rights: `let the user of ${credential.accessKeyId} call sts:GetFederationToken (a role cannot)`,
  })
  const sessions = createSessions(deps)
  const partition = place.isAws ? partitionOf(region) : 'aws'
  return {
    forScope(scope) {
      const { prefix, action, networks } = scope
      return sessions.get(scopeKey(scope, perRequester), scope.until, async () => ({
        ...(await sts.getFederationToken({
          Name: perRequester ? sessionName(requesterName(scope, marker), FEDERATED_NAME_MAX) : OWN_SESSION,
          Policy: sessionPolicy({ partition, bucket, prefix, action, networks, isAws: place.isAws }),
          DurationSeconds: durationSeconds,
        })),
        boundToNetworks: networks.length > 0,
      }))
    },
    own: () => user.own(),
    close() {
      sessions.close()
      sts.close()
    },
  }
}
