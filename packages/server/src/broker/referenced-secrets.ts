/** What an open connector refers to may change under it: the new text is tried at the bucket before it is used. */
import {
  SignpostError,
  type AuditEvent,
  type ConnectorSettings,
  type ResolvedSettings,
} from '@signpost/contract'
import {
  locationOf,
  openConnector,
  referencesOf,
  refuseReference,
  resolveSecrets,
} from '../connectors/index.ts'
import type { OpenConnector } from '../domain/connector.ts'
import { isoOf } from '../domain/instant.ts'
import type { ConnectorPoolDeps } from './connector-pool.ts'
import type { NamedConnector, SecretBox } from './deps.ts'
import { prefixesOf, tryBucketAt } from './try-bucket.ts'

export interface Watched {
  settings: ConnectorSettings
  /** What the connector was opened with, every secret in its place. */
  credential: ResolvedSettings['credential']
  /** Of that. */
  fingerprint: string
  /** Of the texts that were not taken last, so that this is told once; undefined: nothing is waiting. */
  refused: string | undefined
  /** Why they were not taken, in one sentence. */
  problem: string | undefined
  failures: number
  /** ms since the epoch */
  nextLookAt: number
}

/** A look that takes in the new texts. */
export interface Taken {
  connector: OpenConnector
  watched: Watched
}

const pingMs = 5_000
/** A bucket that refuses is not asked again at each look, and is asked for ever: a new key may need a while to be known. */
const pauseMsMin = 5_000
const pauseMsMax = 60_000

export function watchedOf(
  secretBox: SecretBox,
  settings: ConnectorSettings,
  resolved: ResolvedSettings,
): Watched | undefined {
  if (referencesOf(settings).length === 0) return undefined
  const fingerprint = fingerprintOf(secretBox, resolved)
  const { credential } = resolved
  return {
    settings,
    credential,
    fingerprint,
    refused: undefined,
    problem: undefined,
    failures: 0,
    nextLookAt: 0,
  }
}

/**
 * Undefined: what was taken before stays, because nothing has changed or the bucket does not take the new text. Never
 * throws. Both outcomes of a change leave one audit event.
 */
export async function lookAt(
  deps: ConnectorPoolDeps,
  watched: Watched,
  named: NamedConnector,
): Promise<Taken | undefined> {
  if (deps.connectorDeps.clock() < watched.nextLookAt) return undefined
  // Of texts that cannot be read, there is none.
  let fingerprint = 'unreadable'
  let connector: OpenConnector | undefined
  try {
    const { settings } = watched
    const resolved = resolveSecrets(settings, deps.connectorDeps.readSecret ?? refuseReference)
    fingerprint = fingerprintOf(deps.secretBox, resolved)
    if (fingerprint === watched.fingerprint) {
      calm(watched)
      return undefined
    }
    connector = openConnector(resolved, deps.connectorDeps)
    await tryBucketAt(connector, pingMs, () => prefixesOf(deps.store, named.id, locationOf(settings)))
    await record(deps, watched, named, 'allow', 'renewed')
    deps.log.info({ connector: named.name }, 'a referenced secret has changed, and the bucket takes it')
    const taken = { ...watched, credential: resolved.credential, fingerprint }
    calm(taken)
    return { connector, watched: taken }
  } catch (error) {
    connector?.close()
    await notTaken(deps, watched, named, fingerprint, error)
    return undefined
  }
}

function calm(watched: Watched): void {
  watched.refused = undefined
  watched.problem = undefined
  watched.failures = 0
  watched.nextLookAt = 0
}

/** What was foreseen says in its sentence what is wrong; a stack would say no more. */
function reasonOf(error: unknown): object {
  return error instanceof SignpostError ? { code: error.code, problem: error.message } : { err: error }
}

async function notTaken(
  deps: ConnectorPoolDeps,
  watched: Watched,
  named: NamedConnector,
  fingerprint: string,
  error: unknown,
): Promise<void> {
  const pause = Math.min(pauseMsMin * 2 ** watched.failures, pauseMsMax)
  watched.failures += 1
  watched.problem = error instanceof SignpostError ? error.message : 'It could not be tried: see the log.'
  watched.nextLookAt = deps.connectorDeps.clock() + pause
  if (fingerprint === watched.refused) return
  deps.log.warn(
    { connector: named.name, ...reasonOf(error) },
    'a referenced secret has changed, and its check failed: the credential before it stays in use',
  )
  try {
    await record(deps, watched, named, 'deny', error instanceof SignpostError ? error.code : 'internal')
    watched.refused = fingerprint
  } catch (err) {
    deps.log.error({ connector: named.name, err }, 'a credential that was not taken could not be recorded')
  }
}

async function record(
  { store, newId, connectorDeps }: ConnectorPoolDeps,
  { settings }: Watched,
  { name, bucket }: NamedConnector,
  decision: AuditEvent['decision'],
  reason: string,
): Promise<void> {
  const references = referencesOf(settings).map((one) =>
    'env' in one ? `env ${one.env}` : `file ${one.file}`,
  )
  const event: AuditEvent = {
    id: newId(),
    at: isoOf(connectorDeps.clock()),
    type: 'connector.credential',
    decision,
    reason,
    connector: name,
    bucket,
    details: { references: references.join(', ') },
  }
  await store.commit({ statements: [], events: [event] })
}

function fingerprintOf(secretBox: SecretBox, { credential }: ResolvedSettings): string {
  return secretBox.fingerprint(JSON.stringify(credential))
}
