/**
 * The role of the bucket's owner. Each requester gets a session of its own, cut to the team's prefix, the action and the
 * networks: the bucket's log and CloudTrail name the session, whatever the URL's query says, and one person's sessions can
 * be shut out (aws:userid, aws:SourceIdentity).
 */

import type { S3Settings } from '../sign.ts'
import { environmentSource, OWN_LIFE_MS } from './environment.ts'
import { OWN_SESSION, requesterName, sessionName } from './session-name.ts'
import { sessionPolicy, type SessionPolicyInput } from './session-policy.ts'
import { createSessions } from './sessions.ts'
import type { CredentialSource, CredentialSourceDeps, StsPlace } from './source.ts'
import { scopeKey } from './source.ts'
import { staticSource } from './static.ts'
import { createSts } from './sts.ts'

type AssumeRole = Extract<S3Settings['credential'], { type: 'assumeRole' }>

export function assumeRoleSource(
  credential: AssumeRole,
  { bucket, region, marker }: S3Settings,
  place: StsPlace,
  deps: Pick<CredentialSourceDeps, 'clock'>,
): CredentialSource {
  const { roleArn, externalId, perRequester, sourceIdentity, durationSeconds } = credential
  const source =
    credential.source.type === 'static'
      ? staticSource(credential.source)
      : environmentSource({ ...credential.source, region }, deps)
  const sts = createSts({
    region,
    endpoint: credential.stsEndpoint ?? place.ownEndpoint,
    caller: () => source.own(),
    rights: rightsOf(credential),
  })
  const sessions = createSessions(deps)
  const partition = roleArn.split(':')[1] ?? 'aws'

  const open = (name: string, policy: Pick<SessionPolicyInput, 'prefix' | 'action' | 'networks'>) =>
    sts.assumeRole({
      RoleArn: roleArn,
      RoleSessionName: name,
      Policy: sessionPolicy({ partition, bucket, isAws: place.isAws, ...policy }),
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
      ...(sourceIdentity ? { SourceIdentity: name } : {}),
      ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
    })

  return {
    forScope(scope) {
      return sessions.get(scopeKey(scope, perRequester), scope.until, async () => ({
        ...(await open(perRequester ? sessionName(requesterName(scope, marker)) : OWN_SESSION, scope)),
        boundToNetworks: scope.networks.length > 0,
      }))
    },
    own: () =>
      sessions.get('', deps.clock() + OWN_LIFE_MS, () =>
        open(OWN_SESSION, { prefix: '', action: 'own', networks: [] }),
      ),
    close() {
      sessions.close()
      source.close()
      sts.close()
    },
  }
}

function rightsOf({ roleArn, externalId, sourceIdentity }: AssumeRole): string {
  const actions = `sts:AssumeRole${sourceIdentity ? ' and sts:SetSourceIdentity' : ''}`
  const condition =
    externalId === undefined
      ? '; it may ask for an externalId, and none is set here'
      : ', with this externalId'
  const without = sourceIdentity ? ' (or set sourceIdentity to false)' : ''
  return `let the trust policy of ${roleArn} allow ${actions}${without} to the source${condition}`
}
