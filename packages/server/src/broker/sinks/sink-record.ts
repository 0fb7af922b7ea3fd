/** An audit sink's row: its settings, its secrets sealed on the way in and opened on the way out, and how it is shown. */
import { AuditSinkFilter, AuditSinkSettings, type AuditSink } from '@signpost/contract'
import { isoOf } from '../../domain/instant.ts'
import type { SinkSecrets } from '../../sinks/index.ts'
import type { SinkLag } from '../../store/audit-sink-positions.ts'
import { listSealedSinks, type AuditSinkRow } from '../../store/audit-sinks.ts'
import type { BrokerDeps, SecretBox } from '../deps.ts'

export function settingsOf({ settings }: Pick<AuditSinkRow, 'settings'>): AuditSinkSettings {
  return AuditSinkSettings.parse(JSON.parse(settings))
}

export function filterOf({ filter }: Pick<AuditSinkRow, 'filter'>): AuditSinkFilter {
  // A newer version, beside this one on the same database, may know more types: not refused.
  return filter === '' ? {} : (JSON.parse(filter) as AuditSinkFilter)
}

export function filterText(filter: AuditSinkFilter): string {
  return Object.keys(filter).length === 0 ? '' : JSON.stringify(filter)
}

/** Throws `credential_unavailable` where no master key opens them. */
export function secretsOf(
  { id, sealed_secrets }: Pick<AuditSinkRow, 'id' | 'sealed_secrets'>,
  secretBox: SecretBox,
): SinkSecrets {
  return sealed_secrets === ''
    ? {}
    : (JSON.parse(secretBox.open(sealed_secrets, bindingOf(id))) as SinkSecrets)
}

export function sealedSecrets(id: string, secrets: SinkSecrets, secretBox: SecretBox): string {
  return Object.keys(secrets).length === 0 ? '' : secretBox.seal(JSON.stringify(secrets), bindingOf(id))
}

export function resealedSecrets(
  { id, sealed_secrets }: Pick<AuditSinkRow, 'id' | 'sealed_secrets'>,
  secretBox: SecretBox,
): string {
  return secretBox.seal(secretBox.open(sealed_secrets, bindingOf(id)), bindingOf(id))
}

export function shownSink(
  row: AuditSinkRow,
  secrets: readonly string[],
  lag: SinkLag,
  now: number,
): AuditSink {
  return {
    name: row.name,
    enabled: row.enabled === 1,
    settings: settingsOf(row),
    filter: filterOf(row),
    secrets: [...secrets],
    createdAt: isoOf(row.created_at),
    state: {
      lagEvents: lag.events,
      lagSeconds: lag.oldestAt === null ? 0 : Math.max(0, Math.round((now - lag.oldestAt) / 1000)),
      sent: row.sent,
      rejected: row.rejected,
      lastSentAt: row.last_sent_at === null ? null : isoOf(row.last_sent_at),
      failures: row.failures,
      nextTryAt: row.next_try_at > now ? isoOf(row.next_try_at) : null,
      problem: row.problem,
    },
  }
}

/** What stands for secrets that no master key opens. */
const unopened = 'unopened'

/** Names only; of headers, which. */
export function secretNames(
  row: Pick<AuditSinkRow, 'id' | 'sealed_secrets'>,
  secretBox: SecretBox,
): string[] {
  let secrets: SinkSecrets
  try {
    secrets = secretsOf(row, secretBox)
  } catch {
    return [unopened]
  }
  const { signing, headers, clientKey } = secrets
  return [
    ...(signing === undefined ? [] : ['signing']),
    ...(clientKey === undefined ? [] : ['clientKey']),
    ...Object.keys(headers ?? {}).map((name) => `headers.${name}`),
  ]
}

/** Sealed secrets open for their own sink only: rows cannot be swapped. */
function bindingOf(id: string): string {
  return `audit-sink:${id}`
}

/** Which master keys the stored secrets ask for. */
export async function sinkSecretsSealedWith({
  store,
  secretBox,
}: Pick<BrokerDeps, 'store' | 'secretBox'>): Promise<{
  opened: number
  unopened: string[]
  previous: number
}> {
  const rows = await listSealedSinks(store.db)
  const opened = rows.filter((row) => !secretNames(row, secretBox).includes(unopened))
  return {
    opened: opened.length,
    unopened: rows.filter((row) => !opened.includes(row)).map(({ name }) => name),
    previous: opened.filter(({ sealed_secrets }) => !secretBox.isPresent(sealed_secrets)).length,
  }
}
