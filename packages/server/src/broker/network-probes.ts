/** Tries, from this machine, what the rules of a bucket let through. */
import { SignpostError, type Check, type CheckResult } from '@signpost/contract'
import { checkerName } from '../domain/own-check.ts'
import { bothNetworks, cidrOf, membershipOf } from '../domain/network.ts'
import type { BrokerDeps } from './deps.ts'
import type { PlannedNetwork } from './network-plan.ts'
import type { BucketNetworks } from './bucket-networks.ts'

const pingMs = 5000
const answerMs = 10_000
const urlMs = 300_000
/** Each takes some requests. */
const placesMax = 10
const body = new TextEncoder().encode(
  'Signpost looks from where this bucket can be used. This may be deleted.\n',
)

/** Signpost's own requests, in each part of the bucket that has a rule. Throws what the bucket says. */
export async function tryOwnRequests(deps: BrokerDeps, found: BucketNetworks): Promise<void> {
  const { connector } = found.named
  for (const prefix of found.places.slice(0, placesMax)) {
    const key = probeKey(deps, prefix)
    await connector.ping(pingMs, prefix === '' ? undefined : prefix)
    await connector.put(key, body)
    if ((await connector.head(key)) === null)
      throw new SignpostError('bucket_refused', 'A test object that was written is not there.')
    await connector.remove(key)
  }
}

export async function networkChecks(deps: BrokerDeps, plan: PlannedNetwork): Promise<Check[]> {
  const checks = [documentCheck(plan)]
  try {
    await tryOwnRequests(deps, plan)
    checks.push(check('network.own_requests', 'pass', "Signpost's own requests work."))
  } catch (error) {
    checks.push(check('network.own_requests', 'fail', said(error), 'run `signpost doctor`'))
    return checks
  }
  for (const prefix of plan.places.slice(0, placesMax)) checks.push(...(await urlChecks(deps, plan, prefix)))
  return checks
}

function documentCheck({ input, reply }: PlannedNetwork): Check {
  const name = 'network.at_the_bucket'
  const [first] = reply.documents
  if (input.settings.kind !== 's3')
    return check(name, 'not_possible', 'This kind of rule cannot be read with this credential.')
  if (reply.difference.length > 0)
    return check(
      name,
      'fail',
      'The bucket does not hold what the policy says.',
      'run `signpost network apply`, or set the document by hand',
      first?.text ?? null,
    )
  if (reply.canApply) {
    const holds = input.networkRules.length > 0
    return check(
      name,
      'pass',
      holds ? 'The bucket holds the list.' : 'There is no list, and the bucket holds none.',
    )
  }
  return check(name, 'not_possible', reply.notEnforceable.at(-1) ?? 'It cannot be read.')
}

/** URLs to write and to read, used from here. */
async function urlChecks(deps: BrokerDeps, plan: PlannedNetwork, prefix: string): Promise<Check[]> {
  const { connector } = plan.named
  const key = probeKey(deps, prefix)
  const networks = networksAt(plan, key)
  const expected = expectation(plan, networks)
  const place = prefix === '' ? '' : ` below ${prefix}`
  const checks: Check[] = []
  try {
    await connector.put(key, body)
    for (const action of ['read', 'write'] as const) {
      const status = await useUrl(deps, plan, { action, key, prefix, networks })
      checks.push(judged(`network.url_${action}`, status, expected, `${action} URL${place}`))
    }
  } catch (error) {
    checks.push(check('network.url_read', 'fail', said(error), 'run `signpost doctor`'))
  } finally {
    await connector.remove(key).catch(() => undefined)
  }
  return checks
}

interface Expectation {
  /** Undefined: it cannot be told. */
  allowed: boolean | undefined
  why: string
}

function expectation({ input }: PlannedNetwork, networks: readonly string[]): Expectation {
  const { kind, ownAddress } = input.store
  const isBoundItself = input.settings.credential.type === 'assumeRole'
  if (networks.length === 0) return { allowed: true, why: 'there is no list' }
  if (ownAddress === null)
    return { allowed: undefined, why: 'the address under which the store sees this server is not known' }
  if (membershipOf(networks)(ownAddress))
    return { allowed: true, why: `this server's address, ${ownAddress}, is in the list` }
  // A session of a role is bound itself; another user's own address had to stay good.
  if (kind === 'ceph' && !isBoundItself)
    return {
      allowed: undefined,
      why: `this server's address, ${ownAddress}, has to stay good there for its own requests`,
    }
  if (networks.some((network) => cidrOf(network) === undefined))
    return { allowed: undefined, why: 'whether this server comes through a VPC endpoint is not known' }
  return { allowed: false, why: `this server's address, ${ownAddress}, is not in the list` }
}

function judged(name: string, status: Status, { allowed, why }: Expectation, what: string): Check {
  const seen = `A ${what} was ${status.word} from here (HTTP ${status.code}); ${why}.`
  if (status.word === 'answered otherwise')
    return check(name, 'warn', seen, 'run `signpost doctor`: this is no answer about networks')
  if (allowed === undefined)
    return check(
      name,
      'not_possible',
      seen,
      'use a URL from an address inside the list, and from one outside: the second must be answered 403',
      `curl -sS -o /dev/null -w '%{http_code}\\n' "$(signpost sign sp://TEAM/KEY)"`,
    )
  if (allowed === (status.word === 'allowed')) return check(name, 'pass', seen)
  const fix = allowed
    ? "see what else refuses URLs: other statements of the bucket's policy, or a proxy that changes the address"
    : 'the list does not hold at the bucket: set the document, and see what the store cannot hold'
  return check(name, 'fail', seen, fix)
}

interface Status {
  word: 'allowed' | 'refused' | 'answered otherwise'
  code: number
}

async function useUrl(
  deps: BrokerDeps,
  { named }: PlannedNetwork,
  {
    action,
    key,
    prefix,
    networks,
  }: { action: 'read' | 'write'; key: string; prefix: string; networks: readonly string[] },
): Promise<Status> {
  const signedAt = Math.floor(deps.clock() / 1000) * 1000
  const expiresAt = signedAt + urlMs
  const name = checkerName
  const signer = await named.connector.signer({
    requester: { id: name, username: name, pseudonym: name },
    team: name,
    prefix,
    action,
    networks,
    until: expiresAt,
  })
  const method = action === 'read' ? 'GET' : 'PUT'
  const marker = { username: name, pseudonym: name, scid: deps.newId(), grantId: deps.newId() }
  const request = { action, method, key, signedAt, expiresAt, marker } as const
  const signed = await signer.sign(networks.length > 0 ? { ...request, networks } : request)
  const answer = await deps.fetch(signed.url, {
    method,
    headers: signed.headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(answerMs),
    ...(action === 'write' ? { body } : {}),
  })
  await answer.body?.cancel()
  const { status: code } = answer
  const word = signed.successStatuses.includes(code)
    ? 'allowed'
    : code === 403
      ? 'refused'
      : 'answered otherwise'
  return { word, code }
}

/** Every rule over this key holds. */
function networksAt({ input }: PlannedNetwork, key: string): readonly string[] {
  return input.networkRules
    .filter(({ prefix }) => key.startsWith(prefix))
    .map(({ networks }) => networks)
    .reduce(bothNetworks, [] as readonly string[])
}

function probeKey(deps: Pick<BrokerDeps, 'newId'>, prefix: string): string {
  return `${prefix}signpost-network-${deps.newId()}.txt`
}

function said(error: unknown): string {
  return error instanceof SignpostError ? error.message : 'The request failed.'
}

function check(
  name: string,
  result: CheckResult,
  seen: string,
  fix: string | null = null,
  paste: string | null = null,
): Check {
  return { name, result, seen, fix, paste }
}
