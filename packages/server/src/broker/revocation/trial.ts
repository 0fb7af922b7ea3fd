/** A URL of the trial: signed as the requester's are, tried from this server, and shown to nobody. */
import { SignpostError } from '@signpost/contract'
import { checkerName } from '../../domain/own-check.ts'
import type { SignedRequest, SigningScope } from '../../domain/connector.ts'
import { markersOf } from '../../domain/pseudonym.ts'
import { listMemberships } from '../../store/members.ts'
import type { TargetRow } from '../../store/store.ts'
import type { BrokerDeps, NamedConnector } from '../deps.ts'
import { pause } from './pause.ts'
import type { Place, Situation } from './situation.ts'

export interface Trial {
  /** HTTP status of a request by it now; 0: no answer. */
  try(): Promise<number>
  /** A fresh one on this connector, for the same object. */
  renewed(named: NamedConnector): Promise<Trial>
  /** Is the trial object still there, for Signpost's own credential? */
  ownWorks(named: NamedConnector): Promise<boolean>
  end(): Promise<void>
}

const lifeMs = 300_000
const answerMs = 5000
const body = new TextEncoder().encode(
  'Signpost tries here whether a revocation holds. This may be deleted.\n',
)

/** A string: why there is none. */
export async function openTrial(
  deps: BrokerDeps,
  situation: Situation,
  place: Place,
): Promise<Trial | string> {
  const scope = await scopeOf(deps, situation, place)
  if (scope === undefined) return 'no team of theirs is on this connector, so that no URL could be tried'
  const key = `${scope.prefix}.signpost-revocation/${deps.newId()}`
  const { connector } = place.named
  try {
    await connector.put(key, body)
    const trial = await trialOf(deps, place.named, scope, key)
    const status = await trial.try()
    if (status === 200) return trial
    await trial.end()
    return `the trial URL did not work before (${status === 0 ? 'no answer' : `HTTP ${status}`})`
  } catch (error) {
    if (!(error instanceof SignpostError)) throw error
    return `no trial URL could be had: ${error.message}`
  }
}

async function trialOf(
  deps: BrokerDeps,
  named: NamedConnector,
  scope: SigningScope,
  key: string,
): Promise<Trial> {
  const signed = await signRead(deps, named, scope, key)
  return {
    try: () => statusOf(deps, signed),
    renewed: (other) => trialOf(deps, other, { ...scope, until: deps.clock() + lifeMs }, key),
    ownWorks: async ({ connector }) =>
      (await connector.head(key).catch((error: unknown) => {
        if (error instanceof SignpostError) return null
        throw error
      })) !== null,
    end: () => named.connector.remove(key).catch(() => undefined),
  }
}

export async function signRead(
  deps: BrokerDeps,
  { connector }: NamedConnector,
  scope: SigningScope,
  key: string,
): Promise<SignedRequest> {
  const { requester, networks } = scope
  const signer = await connector.signer(scope)
  const signedAt = deps.clock()
  const wanted = Math.ceil((signedAt + lifeMs) / 1000) * 1000
  const { at } = signer.latestExpiry(signedAt)
  return signer.sign({
    action: 'read',
    method: 'GET',
    key,
    signedAt,
    expiresAt: Math.min(wanted, Math.floor(at / 1000) * 1000),
    marker: {
      ...markersOf(requester.username, deps.randomBytes),
      ...requester,
      grantId: deps.newId(),
    },
    ...(networks.length > 0 ? { networks } : {}),
  })
}

export async function statusOf(
  deps: BrokerDeps,
  { url, headers }: Pick<SignedRequest, 'url' | 'headers'>,
): Promise<number> {
  try {
    const answer = await deps.fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return 0
  }
}

/** Asks again until it is as it should be, or patience ends; answers whether it is. */
export async function until(
  isSo: () => Promise<boolean>,
  { patienceMs = 10_000, everyMs = 400 }: { patienceMs?: number; everyMs?: number } = {},
): Promise<boolean> {
  for (let waited = 0; ; waited += everyMs) {
    if (await isSo()) return true
    if (waited >= patienceMs) return false
    await pause(everyMs)
  }
}

/** As the requester's URLs are signed, in a team of theirs that is on this connector. */
async function scopeOf(
  deps: BrokerDeps,
  situation: Situation,
  { row }: Place,
): Promise<SigningScope | undefined> {
  const { principal, username, live, team } = situation
  const id = principal?.id ?? live[0]?.principalId ?? ''
  const named = new Set(live.filter(({ connector }) => connector === row.name).map((one) => one.team))
  if (team) named.add(team.name)
  if (principal) for (const one of await listMemberships(deps.store.db, principal.id)) named.add(one.team)
  for (const name of [...named].slice(0, 100)) {
    const target: TargetRow | undefined = await deps.store.hot.findTarget(name, id)
    if (target?.connectorId !== row.id) continue
    const shown = live.find((one) => one.connector === row.name)?.marker
    const scope = scopeOfCheck(deps, target)
    if (username === undefined) return scope
    return { ...scope, requester: { id, username, pseudonym: principal?.pseudonym ?? shown ?? username } }
  }
  return undefined
}

/** For a URL in nobody's name. */
export function scopeOfCheck(deps: BrokerDeps, target: TargetRow): SigningScope {
  return {
    requester: { id: 'revocation', username: checkerName, pseudonym: checkerName },
    team: target.team,
    prefix: target.prefix,
    action: 'read',
    networks: deps.policies(target.connectorPolicy, target.teamPolicy).networks,
    until: deps.clock() + lifeMs,
  }
}
