/** Where the audit trail is sent: set by who may manage connectors and read the trail, shown to who may read it. */
import {
  SignpostError,
  type AuditEventType,
  type AuditSink,
  type AuditSinkSecrets,
  type AuditSinkSettings,
  type ParsedInput,
  type Reply,
} from '@signpost/contract'
import type { Decision } from '../domain/decide-access.ts'
import type { SinkSecrets } from '../sinks/index.ts'
import { beginAtHeads, readSinkLag } from '../store/audit-sink-positions.ts'
import {
  deleteAuditSink as deleteRow,
  findAuditSink,
  insertAuditSink,
  listAuditSinks as listRows,
  updateAuditSink as updateRow,
  type AuditSinkRow,
} from '../store/audit-sinks.ts'
import { pageOfRows, readTextCursor } from '../store/page.ts'
import { requireAuditReader } from './access-log-records.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { eventOf, type EventFields } from './event-of.ts'
import { requireFree, requireOrganisation } from './gate.ts'
import { openSinkBucket } from './sinks/sink-bucket.ts'
import {
  filterOf,
  filterText,
  sealedSecrets,
  secretNames,
  secretsOf,
  settingsOf,
  shownSink,
} from './sinks/sink-record.ts'
import { requireSameReceiver, requireSinkParts } from './sinks/sink-parts.ts'
import { sendTest } from './sinks/test-sink.ts'

/** For so long the signing secret before signs too. */
const previousSecretMs = 86_400_000
const secretBytes = 32

export async function listAuditSinks(
  deps: BrokerDeps,
  caller: Caller,
  { query: { limit, cursor } }: ParsedInput<'listAuditSinks'>,
): Promise<Reply<'listAuditSinks'>> {
  await requireAuditReader(deps, caller, 'listAuditSinks', {})
  const rows = await listRows(deps.store.db, { limit, after: readTextCursor(cursor) })
  const page = pageOfRows(rows, limit, ({ name }) => [name])
  return { items: await shownAll(deps, page.rows), nextCursor: page.nextCursor }
}

/** For the metrics: in every replica, whoever does the sending. */
export async function noteAuditSinks(deps: BrokerDeps): Promise<void> {
  if (!deps.noteAuditSinks) return
  deps.noteAuditSinks(await shownAll(deps, await listRows(deps.store.db)))
}

export async function createAuditSink(
  deps: BrokerDeps,
  caller: Caller,
  { body: { name, settings, filter, secrets, from } }: ParsedInput<'createAuditSink'>,
): Promise<Reply<'createAuditSink'>> {
  const type = 'auditSink.create'
  const fields = eventFields(name, settings, { kind: settings.kind, from })
  const decision = await requireSinkAdmin(deps, caller, type, fields)
  const { db } = deps.store
  requireFree('name', await findAuditSink(db, name))
  requireSinkParts(settings, secrets)
  if (settings.kind === 'files') await openSinkBucket(deps, settings)
  const made = settings.kind === 'webhook' && secrets.signing === undefined ? newSecret(deps) : undefined
  const id = deps.newId()
  const all: SinkSecrets = { ...definedOf(secrets), ...(made === undefined ? {} : { signing: made }) }
  const row: AuditSinkRow = {
    id,
    name,
    enabled: 1,
    kind: settings.kind,
    settings: JSON.stringify(settings),
    filter: filterText(filter),
    sealed_secrets: sealedSecrets(id, all, deps.secretBox),
    version: 1,
    created_at: deps.clock(),
    lease_until: 0,
    lease_owner: null,
    failures: 0,
    next_try_at: 0,
    problem: null,
    sent: 0,
    rejected: 0,
    last_sent_at: null,
  }
  await deps.store.commit({
    statements: [insertAuditSink(db, row), ...(from === 'now' ? [beginAtHeads(db, id)] : [])],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return { ...(await shownNow(deps, name)), ...(made === undefined ? {} : { signingSecret: made }) }
}

export async function updateAuditSink(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name }, body }: ParsedInput<'updateAuditSink'>,
): Promise<Reply<'updateAuditSink'>> {
  const type = 'auditSink.update'
  const fields = eventFields(name, body.settings, { changed: Object.keys(body).join(', ') })
  const decision = await requireSinkAdmin(deps, caller, type, fields)
  const row = await requireSink(deps, name)
  const before = settingsOf(row)
  const settings = body.settings ?? before
  if (settings.kind !== before.kind) {
    const detail = `settings.kind: is ${before.kind} and stays so; add another sink.`
    throw new SignpostError('invalid', detail, { field: 'settings.kind' })
  }
  const { secrets, made } = changedSecrets(deps, row, settings, body)
  requireSinkParts(settings, secrets)
  if (body.secrets?.headers === undefined) requireSameReceiver(before, settings, secrets)
  if (settings.kind === 'files') await openSinkBucket(deps, settings)
  const changes = {
    enabled: Number(body.enabled ?? row.enabled === 1),
    settings: JSON.stringify(settings),
    filter: filterText(body.filter ?? filterOf(row)),
    ...(body.secrets === undefined && made === undefined
      ? {}
      : { sealed_secrets: sealedSecrets(row.id, secrets, deps.secretBox) }),
  }
  await deps.store.commit({
    statements: [updateRow(deps.store.db, row, changes)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return { ...(await shownNow(deps, name)), ...(made === undefined ? {} : { signingSecret: made }) }
}

export async function deleteAuditSink(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'deleteAuditSink'>,
): Promise<undefined> {
  const type = 'auditSink.delete'
  const fields = eventFields(name, undefined, {})
  const decision = await requireSinkAdmin(deps, caller, type, fields)
  const { id } = await requireSink(deps, name)
  await deps.store.commit({
    statements: [deleteRow(deps.store.db, id)],
    events: [eventOf(deps, caller, type, decision, fields)],
  })
  return undefined
}

export async function testAuditSink(
  deps: BrokerDeps,
  caller: Caller,
  { params: { name } }: ParsedInput<'testAuditSink'>,
): Promise<Reply<'testAuditSink'>> {
  const type = 'auditSink.test'
  const fields = eventFields(name, undefined, {})
  const decision = await requireSinkAdmin(deps, caller, type, fields)
  const row = await requireSink(deps, name)
  const event = eventOf(deps, caller, type, decision, fields)
  await deps.store.commit({ statements: [], events: [event] })
  return sendTest(deps, row, event)
}

/**
 * Who sets a sink has the whole trail sent where they like, by the server's own hand: both rights, which of the built-in
 * roles only the organisation's admin has.
 */
async function requireSinkAdmin(
  deps: BrokerDeps,
  caller: Caller,
  type: AuditEventType,
  fields: EventFields,
): Promise<Decision> {
  await requireOrganisation(deps, caller, 'connectors.manage', type, fields)
  return requireOrganisation(deps, caller, 'audit.read', type, fields)
}

function changedSecrets(
  deps: BrokerDeps,
  row: AuditSinkRow,
  settings: AuditSinkSettings,
  { secrets = {}, newSigningSecret }: ParsedInput<'updateAuditSink'>['body'],
): { secrets: SinkSecrets; made: string | undefined } {
  if (newSigningSecret === true && (settings.kind !== 'webhook' || secrets.signing !== undefined)) {
    const detail = 'newSigningSecret: is for a webhook, where `secrets.signing` is not given.'
    throw new SignpostError('invalid', detail, { field: 'newSigningSecret' })
  }
  const made = newSigningSecret === true ? newSecret(deps) : undefined
  const changed = { ...definedOf(secrets), ...(made === undefined ? {} : { signing: made }) }
  // Where all are given anew, those before need not open.
  const before = openedOr(deps, row, Object.keys(changed).length > 0)
  const isReplaced = changed.signing !== undefined && before.signing !== undefined
  const previous = isReplaced
    ? { previousSigning: { secret: before.signing!, until: deps.clock() + previousSecretMs } }
    : {}
  return { secrets: { ...before, ...changed, ...previous }, made }
}

function openedOr({ secretBox }: BrokerDeps, row: AuditSinkRow, isReplaced: boolean): SinkSecrets {
  try {
    return secretsOf(row, secretBox)
  } catch (error) {
    if (isReplaced && error instanceof SignpostError) return {}
    throw error
  }
}

async function requireSink({ store }: BrokerDeps, name: string): Promise<AuditSinkRow> {
  const row = await findAuditSink(store.db, name)
  if (!row) throw new SignpostError('not_found', 'There is no such audit sink.')
  return row
}

async function shownNow(deps: BrokerDeps, name: string): Promise<AuditSink> {
  return (await shownAll(deps, [await requireSink(deps, name)]))[0]!
}

async function shownAll(deps: BrokerDeps, rows: readonly AuditSinkRow[]): Promise<AuditSink[]> {
  const now = deps.clock()
  return Promise.all(
    rows.map(async (row) =>
      shownSink(row, secretNames(row, deps.secretBox), await readSinkLag(deps.store.db, row.id), now),
    ),
  )
}

function eventFields(
  sink: string,
  settings: AuditSinkSettings | undefined,
  details: Record<string, string>,
): EventFields {
  const of = settings?.kind === 'files' ? { connector: settings.connector } : {}
  return { ...of, details: { sink, ...details } }
}

/** As Standard Webhooks writes them. */
function newSecret({ randomBytes: random }: BrokerDeps): string {
  return `whsec_${Buffer.from(random(secretBytes)).toString('base64')}`
}

function definedOf(secrets: AuditSinkSecrets): SinkSecrets {
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== undefined))
}
