/** What a store sends of its log: who sends it is verified, signatures are cut out, and it is durable before the answer. */
import { SignpostError } from '@signpost/contract'
import { hashSecret, secretMatches } from '../domain/api-key.ts'
import type { CallContext } from '../domain/principal.ts'
import { countDeliveries } from '../store/log-deliveries.ts'
import { findLogSource, type NamedLogSourceRow } from '../store/log-sources.ts'
import type { BrokerDeps } from './deps.ts'
import { subscriptionCode } from './event-grid-handshake.ts'
import { deliveryOf } from './log-reading/deliveries.ts'
import { settingsOf } from './log-reading/source-record.ts'

/** So many deliveries of a source wait to be read; more are refused until then, and come again. */
const waitingMax = 20_000
const retrySeconds = 60
/** "Authenticate push subscriptions": the issuer of Pub/Sub's tokens. */
const googleIssuer = 'https://accounts.google.com'
const noHash = hashSecret('')

/** Whoever sends, and what it may send as. Not a word of why not: neither the source nor its token can be guessed at. */
export async function authenticateDelivery(
  deps: BrokerDeps,
  name: string,
  token: string,
  call: CallContext,
): Promise<NamedLogSourceRow> {
  const row = /^[a-z0-9-]{1,63}$/.test(name) ? await findLogSource(deps.store.db, name) : undefined
  const reason = await refusalOf(deps, row, token)
  if (row && reason === undefined) return row
  const details = row === undefined ? {} : { details: { source: row.name } }
  await deps.refusals.record(call, { reason: `log_delivery_${reason ?? 'unknown_source'}`, ...details })
  throw new SignpostError(
    'unauthenticated',
    'There is no such log source that takes deliveries, or this is not its token.',
  )
}

/** A word for the record. */
async function refusalOf(
  deps: BrokerDeps,
  row: NamedLogSourceRow | undefined,
  token: string,
): Promise<string | undefined> {
  const settings = row && settingsOf(row)
  if (settings?.kind === 'http' && settings.pubsub) {
    const { audience, serviceAccount } = settings.pubsub
    const read = deps.identityTokens.issuerOf(token)
    if ('problem' in read) return read.problem.reason
    if (read.issuer !== googleIssuer) return 'issuer'
    const verified = await deps.identityTokens.verify(token, { issuer: googleIssuer, allowInternal: false })
    if ('problem' in verified) return verified.problem.reason
    const { aud, email, email_verified: isVerified } = verified.claims
    if (aud !== audience) return 'audience'
    // Whoever has an account at Google gets a token for any audience.
    return email === serviceAccount && isVerified === true ? undefined : 'service_account'
  }
  // Compared also where there is nothing to compare with.
  const stored = row?.token_hash ?? null
  const matches = secretMatches(token, stored ?? noHash)
  return stored !== null && matches ? undefined : 'token'
}

/**
 * Resolves, with what to answer, when it is on the disk. The same delivery twice tells the same accesses twice, and those are
 * known.
 */
export async function receiveLog(
  deps: BrokerDeps,
  row: NamedLogSourceRow,
  body: Buffer,
): Promise<{ validationResponse?: string }> {
  const settings = settingsOf(row)
  const isPubSub = settings.kind === 'http' && settings.pubsub !== undefined
  const text = isPubSub ? messageOf(body) : body.toString('utf8')
  // What MinIO asks with whether anybody is there.
  if (/^\s*(?:\{\s*\})?\s*$/.test(text)) return {}
  const code = subscriptionCode(row, text)
  if (code !== undefined) return { validationResponse: code }
  if ((await countDeliveries(deps.store.db, row.id, waitingMax)) >= waitingMax)
    throw new SignpostError('rate_limited', 'More deliveries wait than are read: send it again later.', {
      retryAfterSeconds: retrySeconds,
    })
  await deps.store.commit({ statements: [deliveryOf(deps, row.id, text)], events: [] })
  return {}
}

/** "Push subscriptions", wrapped: the message's data is base64. */
function messageOf(body: Buffer): string {
  try {
    const { message } = JSON.parse(body.toString('utf8')) as { message?: { data?: unknown } }
    if (typeof message?.data === 'string') return Buffer.from(message.data, 'base64').toString('utf8')
  } catch {
    // Told below.
  }
  throw new SignpostError(
    'invalid',
    'message.data: is missing; push wrapped messages, as Pub/Sub does unless told.',
    {
      field: 'message.data',
    },
  )
}
