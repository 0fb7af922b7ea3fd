/** Statements that end URLs which are out: of one requester, or of every session before an instant. */
import { hash } from 'node:crypto'
import type { ResolvedSettings } from '@signpost/contract'
import type { PolicyStep, RevocationAsk } from '../../domain/revocation.ts'
import { FEDERATED_NAME_MAX, sessionName, SESSION_NAME_MAX } from '../s3/credentials/session-name.ts'
import { partitionOf } from '../s3/credentials/session-policy.ts'
import { bucketArns, holdsWildcard } from './arn.ts'
import { urlActions } from './s3-network.ts'
import { abilities, type S3Store } from './s3-stores.ts'
import type { Condition, Principal, Statement } from './statement.ts'

/** What revocations take for their own begins so. */
export const revocationSid = 'SignpostRevoke'

type S3 = Extract<ResolvedSettings, { kind: 's3' }>
type Sessions = Extract<S3['credential'], { type: 'assumeRole' | 'federationToken' }>

/** Null: its URLs are signed with no sessions of ours. */
export function sessionsOf({ credential }: Pick<S3, 'credential'>): Sessions | null {
  return credential.type === 'assumeRole' || credential.type === 'federationToken' ? credential : null
}

/** Can the store name this part of the bucket, and nothing else? Where it knows no variables, `*` is a wildcard. */
export function canName(store: S3Store, prefix: string): boolean {
  return abilities[store].variables || !holdsWildcard(prefix)
}

/** The Sid of a step's statement: the same for the same ask, so that it can be found again. */
export function revocationSidOf(step: PolicyStep, { requesters, prefix }: RevocationAsk): string {
  if (step === 'end-sessions') return `${revocationSid}Sessions`
  // Names may have any characters, and a Sid letters and digits alone. The first one is the username, which stays.
  return `${revocationSid}User${hash('sha256', JSON.stringify([requesters[0], prefix])).slice(0, 20)}`
}

/** For objects alone, so that the policy itself can always be mended by whoever may. */
export function revocationStatement(
  step: PolicyStep,
  { settings, store }: { settings: S3; store: S3Store },
  ask: RevocationAsk,
): Statement {
  const sessions = sessionsOf(settings)
  if (sessions === null) throw new Error('A statement about sessions where there are none.')
  const partition = store === 'aws' ? partitionOf(settings.region) : 'aws'
  const arns = bucketArns(partition, settings.bucket, abilities[store].variables)
  const base = { Sid: revocationSidOf(step, ask), Effect: 'Deny', Action: urlActions } as const
  if (step === 'end-sessions')
    return {
      ...base,
      Principal: everySession(sessions, store),
      Resource: arns.objects(''),
      Condition: {
        // "AWS global condition context keys": there for temporary credentials alone.
        DateLessThan: { 'aws:TokenIssueTime': wholeSecond(ask.at) },
        ...ofOurs(sessions, store),
      },
    }
  return {
    ...base,
    Principal: '*',
    Resource: arns.objects(ask.prefix),
    Condition: {
      // "IAM identifiers", aws:userid: `role-id:session-name`, `account:name` of a federated user.
      StringLike: { 'aws:userid': sessionNames(sessions, ask.requesters).map((name) => `*:${name}`) },
      ...ofOurs(sessions, store),
    },
  }
}

/** No name holds what a policy takes for a wildcard or a variable: `sessionName` gives letters, digits and `_+=,.@-` alone. */
export function sessionNames({ type }: Sessions, requesters: readonly string[]): string[] {
  const max = type === 'assumeRole' ? SESSION_NAME_MAX : FEDERATED_NAME_MAX
  return [...new Set(requesters.map((name) => sessionName(name, max)))]
}

/** Sessions of other roles may have the same names. Ceph 16.2 has no aws:PrincipalArn, and the test would never be met. */
function ofOurs(sessions: Sessions, store: S3Store): Condition {
  if (store !== 'aws') return {}
  return sessions.type === 'assumeRole'
    ? { StringEquals: { 'aws:PrincipalArn': sessions.roleArn } }
    : { StringEquals: { 'aws:PrincipalType': 'FederatedUser' } }
}

/** Tried on Ceph 16.2: a role as principal is every session of it. */
function everySession(sessions: Sessions, store: S3Store): Principal {
  return store !== 'aws' && sessions.type === 'assumeRole' ? { AWS: [sessions.roleArn] } : '*'
}

export function wholeSecond(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
