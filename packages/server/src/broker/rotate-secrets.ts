import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import { listSealedCredentials, updateConnector } from '../store/connectors.ts'
import { listSealedSecrets, resealSecret } from '../store/identity-providers.ts'
import { listAlerts, resealAlert } from '../store/alerts.ts'
import { listSealedSinks, resealSink } from '../store/audit-sinks.ts'
import { listCheckpointKeys, resealCheckpointKey } from '../store/checkpoints.ts'
import type { Statement } from '../store/store.ts'
import { resealedTarget } from './alerts/alert-record.ts'
import { resealedKey } from './checkpoint-signer.ts'
import { resealed } from './connector-record.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf } from './event-of.ts'
import { requireOrganisation } from './gate.ts'
import { resealedSecret } from './provider-record.ts'
import { resealedSecrets } from './sinks/sink-record.ts'

/** Changes of connectors that come in between are read again, so often at most. */
const roundsMax = 5
/** Written together: an update of a connector waits no longer than for so many. */
const unitSize = 50

/**
 * Seals every credential that is not sealed with the present master key anew. Safe beside everything else, to repeat, and
 * on several replicas at once: each row is changed only as it was read, and one that somebody else has changed meanwhile is
 * read again.
 */
export async function rotateSecrets(
  deps: BrokerDeps,
  caller: Caller,
  _input: ParsedInput<'rotateSecrets'>,
): Promise<Reply<'rotateSecrets'>> {
  const type = 'secrets.rotate'
  const decision = await requireOrganisation(deps, caller, 'connectors.manage', type)
  const { store, secretBox } = deps
  const unopened = new Set<string>()
  let sealed = 0
  let already = 0
  for (let round = 0; ; round++) {
    const rows = await listSealed(deps)
    const old = rows.filter((row) => !secretBox.isPresent(row.sealed) && !unopened.has(row.name))
    if (round === 0) already = rows.length - old.length
    if (old.length === 0) break
    if (round === roundsMax)
      throw new SignpostError(
        'conflict',
        'Connectors or identity providers were changed again and again meanwhile: repeat the call.',
      )
    for (const unit of slices(old, unitSize)) {
      const statements = unit.flatMap((row) => {
        try {
          return [row.reseal()]
        } catch {
          unopened.add(row.name)
          return []
        }
      })
      if (statements.length === 0) continue
      const event = eventOf(deps, caller, type, decision, { details: { sealed: statements.length } })
      if (await committed(() => store.commit({ statements, events: [event] }))) sealed += statements.length
    }
  }
  if (unopened.size > 0)
    throw new SignpostError(
      'credential_unavailable',
      `${sealed} credentials were sealed anew. ${unopened.size} were not, because no master key given opens them: ${[...unopened].join(', ')}. Start with the key that sealed them as SIGNPOST_MASTER_KEY_PREVIOUS, or give these their credentials anew.`,
    )
  if (sealed === 0) {
    const event = eventOf(deps, caller, type, decision, { details: { sealed, already } })
    await store.commit({ statements: [], events: [event] })
  }
  return { sealed, already }
}

interface Sealed {
  name: string
  sealed: string
  /** Only if it is what was read. Throws where no master key opens it. */
  reseal(): Statement
}

/** Credentials of buckets, what this server shows identity providers and audit sinks, and the keys that sign checkpoints. */
async function listSealed({ store: { db }, secretBox }: BrokerDeps): Promise<Sealed[]> {
  const connectors = (await listSealedCredentials(db)).map((row) => ({
    name: row.name,
    sealed: row.sealed_credential,
    reseal: () => updateConnector(db, row.id, row.version, resealed(row, secretBox)),
  }))
  const providers = (await listSealedSecrets(db)).map((row) => ({
    name: `${row.name} (identity provider)`,
    sealed: row.sealed_secret,
    reseal: () => resealSecret(db, row, resealedSecret(row, secretBox)),
  }))
  const keys = (await listCheckpointKeys(db)).map((row) => ({
    name: `${row.public_key} (key of checkpoints)`,
    sealed: row.sealed_key,
    reseal: () => resealCheckpointKey(db, row, resealedKey(row, secretBox)),
  }))
  const sinks = (await listSealedSinks(db)).map((row) => ({
    name: `${row.name} (audit sink)`,
    sealed: row.sealed_secrets,
    reseal: () => resealSink(db, row, resealedSecrets(row, secretBox)),
  }))
  const alerts = (await listAlerts(db)).map((row) => ({
    name: `${row.name} (alert)`,
    sealed: row.target,
    reseal: () => resealAlert(db, row, resealedTarget(row, secretBox)),
  }))
  return [...connectors, ...providers, ...keys, ...sinks, ...alerts]
}

/** False: one of them was changed meanwhile, and nothing was written. */
async function committed(commit: () => Promise<void>): Promise<boolean> {
  try {
    await commit()
    return true
  } catch (error) {
    if (error instanceof SignpostError && error.code === 'conflict') return false
    throw error
  }
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  )
}
