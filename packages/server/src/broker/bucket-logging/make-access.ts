/** One access by a signed URL, recorded as every grant is: what the bucket's log is to tell of. */
import { hash } from 'node:crypto'
import type { NamedConnectorRow } from '../../store/connectors.ts'
import type { BucketNetworks } from '../bucket-networks.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { isoOf } from '../../domain/instant.ts'
import { storedPolicy } from '../../domain/policy.ts'
import { eventOf } from '../event-of.ts'

/** Of the event that is the grant. */
export const reason = 'logging_check'
const urlMs = 300_000
const answerMs = 10_000
const body = new TextEncoder().encode("Signpost looks whether this bucket's log tells of accesses.\n")

export interface MadeAccess {
  grantId: string
  key: string
  /** ms since the epoch */
  at: number
  /** What the bucket answered; null: it was made before. */
  status: number | null
}

/** The URL is the caller's, and never leaves the server. */
export async function makeAccess(
  deps: BrokerDeps,
  caller: Caller,
  row: NamedConnectorRow,
  { named, places }: BucketNetworks,
): Promise<MadeAccess> {
  const { connector } = named
  const [prefix = ''] = places
  const grantId = deps.newId()
  const key = `${prefix}signpost-logging-${grantId}.txt`
  const signedAt = Math.floor(deps.clock() / 1000) * 1000
  const expiresAt = signedAt + urlMs
  const { id, username, pseudonym, scid } = caller.principal
  const networks = storedPolicy(row.policy).networks ?? []
  const signer = await connector.signer({
    requester: { id, username, pseudonym },
    team: row.team ?? username,
    prefix,
    action: 'read',
    networks,
    until: expiresAt,
  })
  const marker = { username, pseudonym, scid, grantId }
  const signed = await signer.sign({
    action: 'read',
    method: 'GET',
    key,
    signedAt,
    expiresAt,
    marker,
    ...(networks.length > 0 ? { networks } : {}),
  })
  const event = eventOf(
    deps,
    caller,
    'url.issue',
    { outcome: 'allow', reason },
    {
      ...(row.team === null ? {} : { team: row.team }),
      connector: row.name,
      bucket: named.bucket,
      key,
      action: 'read',
      method: 'GET',
      grantId,
      expiresAt: isoOf(expiresAt),
      limitedBy: 'requested',
      ...(signed.marker === null ? {} : { marker: signed.marker }),
      signer: signed.signer,
      signatureDigest: hash('sha256', signed.signature),
    },
  )
  await deps.store.commit({ statements: [], events: [{ ...event, at: isoOf(signedAt) }] })
  // Without the right to write there, what is not there is asked for: that is an access as well.
  const wasPut = await connector.put(key, body).then(
    () => true,
    () => false,
  )
  try {
    return { grantId, key, at: signedAt, status: await useUrl(deps, signed) }
  } finally {
    if (wasPut) await connector.remove(key).catch(() => undefined)
  }
}

async function useUrl(
  { fetch }: BrokerDeps,
  { url, headers }: { url: string; headers: Record<string, string> },
): Promise<number> {
  try {
    const answer = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(answerMs) })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return 0
  }
}
