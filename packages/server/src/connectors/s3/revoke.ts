/** What can be done about S3 URLs that are out: by whose credential they were signed decides. */
import { SignpostError, type ResolvedSettings } from '@signpost/contract'
import type { BucketConfiguration } from '../../domain/connector.ts'
import type { BucketLadder, BucketRevocation, BucketStep, RevocationAsk } from '../../domain/revocation.ts'
import { abilities, type S3Store } from '../policies/s3-stores.ts'
import { documentOf } from '../policies/statement.ts'
import { canName, revocationStatement, sessionsOf } from '../policies/s3-revocation.ts'
import { endSessionsElsewhere, rotateS3 } from './revoke-documents.ts'
import { setStatement, unsetStatement } from './revoke-policy.ts'
import { recogniseS3Store } from './store-facts.ts'

type S3 = Extract<ResolvedSettings, { kind: 's3' }>

export function s3Revocation(
  settings: S3,
  { readPolicy, writePolicy }: Required<Pick<BucketConfiguration, 'readPolicy' | 'writePolicy'>>,
  deps: { fetch: typeof fetch },
): BucketRevocation {
  const policy = { readPolicy, writePolicy }
  const storeKind = () => recogniseS3Store(settings, deps)
  // What is read is written back with ours: two at once would lose one of the two.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    async ladder(ask) {
      const store = await storeKind()
      return s3Ladder(settings, store, ask, await obstacleAt(settings, store, policy))
    },
    async set(step, ask) {
      const store = await storeKind()
      const { Sid = '', ...rest } = revocationStatement(step, { settings, store }, ask)
      await inTurn(() => setStatement(policy, { ...rest, Sid }))
    },
    unset: (step, ask) => inTurn(() => unsetStatement(policy, step, ask)),
  }
}

/** Why nothing can be set from here; null: it can. */
async function obstacleAt(
  settings: S3,
  store: S3Store,
  { readPolicy }: Pick<Required<BucketConfiguration>, 'readPolicy'>,
): Promise<string | null> {
  if (sessionsOf(settings) === null) return null
  const can = abilities[store]
  if (!can.bucketPolicy) return 'This store has no bucket policies that hold for URLs.'
  if (!can.mayApply)
    return 'How this store holds such a policy is not known well enough to set it from here: set the document by hand, and try it.'
  try {
    await readPolicy()
    return null
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    return `The connector's credential may not read the bucket's policy, so that what is there could not be kept: set the document by hand. ${error.message}`
  }
}

/** Pure: from what was found out. */
export function s3Ladder(
  settings: S3,
  store: S3Store,
  ask: RevocationAsk,
  obstacle: string | null,
): BucketLadder {
  const deny = denyRequester(settings, store, ask, obstacle)
  const end = endSessions(settings, store, ask, obstacle)
  const one = `${settings.name}: no single URL can be taken back here`
  const whole =
    "all that one credential signed end together, or all of an object's, when that is moved or deleted"
  const cannot =
    deny.can === 'no'
      ? [...(ask.requesters.length > 0 ? [`${settings.name}: ${deny.detail}`] : []), `${one}: ${whole}.`]
      : [`${one}: all of a requester's end together (deny-requester); ${whole}.`]
  return { steps: [deny, ...(end ? [end] : []), rotateS3(settings)], cannot }
}

function denyRequester(
  settings: S3,
  store: S3Store,
  ask: RevocationAsk,
  obstacle: string | null,
): BucketStep {
  const no = (detail: string): BucketStep => ({
    step: 'deny-requester',
    can: 'no',
    stops: 'both',
    effectSeconds: null,
    detail,
    document: null,
    reach: 'nobody',
  })
  const sessions = sessionsOf(settings)
  if (sessions === null)
    return no(
      'all URLs are signed with one credential, so that the store cannot tell whose they are; only sessions for each requester (assumeRole, federationToken) could be denied one by one.',
    )
  if (!sessions.perRequester)
    return no('all requesters share one session (perRequester is off), so that none can be denied alone.')
  if (ask.requesters.length === 0) return no('name a user: it is for the sessions of one.')
  if (!abilities[store].bucketPolicy) return no('this store has no bucket policies that hold for URLs.')
  if (!canName(store, ask.prefix))
    return no('the prefix or key holds *, ? or ${, which this store would take for a wildcard.')
  const statement = revocationStatement('deny-requester', { settings, store }, ask)
  return {
    step: 'deny-requester',
    can: obstacle === null ? 'now' : 'document',
    stops: 'both',
    effectSeconds: null,
    detail: `A statement of the bucket's policy denies the sessions of this requester${where(ask)}, URLs that come included, until it is taken back with --undo. ${effectOf(store)}${obstacle === null ? '' : ` ${obstacle}`}`,
    document: JSON.stringify(documentOf([statement]), null, 2),
    reach: 'requester',
  }
}

function endSessions(
  settings: S3,
  store: S3Store,
  ask: RevocationAsk,
  obstacle: string | null,
): BucketStep | undefined {
  const sessions = sessionsOf(settings)
  if (sessions === null) return endSessionsElsewhere(settings, ask)
  if (!abilities[store].bucketPolicy) return undefined
  const statement = revocationStatement('end-sessions', { settings, store }, ask)
  const byRole = endSessionsElsewhere(settings, ask)
  const text = JSON.stringify(documentOf([statement]), null, 2)
  return {
    step: 'end-sessions',
    can: obstacle === null ? 'now' : 'document',
    stops: 'live',
    effectSeconds: null,
    detail: `A statement of the bucket's policy denies every session from before now, everybody's; Signpost opens new ones, and URLs are to be asked for again. ${effectOf(store)}${store === 'aws' ? ' Signpost and AWS must agree on the time.' : ''}${obstacle === null ? '' : ` ${obstacle}`}`,
    document: byRole === undefined || store !== 'aws' ? text : `${text}\n\n${byRole.document}`,
    reach: 'bucket',
  }
}

function where({ prefix }: RevocationAsk): string {
  return prefix === '' ? '' : ` for keys that begin with ${prefix}`
}

function effectOf(store: S3Store): string {
  if (store === 'ceph') return 'Ceph 16.2: from the next request on, as tried.'
  // "IAM is eventually consistent": "Troubleshoot IAM".
  if (store === 'aws') return 'AWS says no time (policies are eventually consistent): the trial tells.'
  return 'This store says no time: the trial tells.'
}
