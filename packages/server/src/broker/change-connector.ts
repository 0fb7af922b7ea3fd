/** Connecting a bucket, and changing how it is reached. */
import {
  SignpostError,
  type Connector,
  type ConnectorSettings,
  type ParsedInput,
  type Policy,
} from '@signpost/contract'
import { locationOf } from '../connectors/index.ts'
import { policyText } from '../domain/policy.ts'
import { mayOrganisation } from '../domain/decide-access.ts'
import { reservedTexts } from '../domain/reserved-settings.ts'
import {
  clearDefaultConnector,
  findConnector,
  insertConnector,
  listConnectorsAtLocation,
  updateConnector as updateConnectorRow,
  type ConnectorChanges,
  type NamedConnectorRow,
} from '../store/connectors.ts'
import type { Statement } from '../store/store.ts'
import { checkAddresses, requireManaged, shownSettings, tryBucket } from './connector-access.ts'
import { recordOf, sealedSettings } from './connector-record.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { examineLater } from './doctor.ts'
import { eventOf } from './event-of.ts'
import { requireFree, requireOrganisation, requireTeam } from './gate.ts'
import { createOnce } from './idempotency.ts'
import { isRecordedRefusal } from './issue-url.ts'
import { recordRefusal } from './refuse.ts'
import { checkDefaultSwitch } from './team-location.ts'
import { prefixesOf } from './try-bucket.ts'

export async function createConnector(
  deps: BrokerDeps,
  caller: Caller,
  input: ParsedInput<'createConnector'> & { idempotencyKey?: string },
): Promise<Connector> {
  const { settings, team: teamName, isDefault, check, policy } = input.body
  const type = 'connector.create'
  const fields = fieldsOf(settings, isDefault, policy)
  const gated =
    teamName === undefined
      ? { decision: await requireOrganisation(deps, caller, 'connectors.manage', type, fields) }
      : await requireTeam(deps, caller, teamName, 'connectors.manage', type, fields)
  const team = 'team' in gated ? gated.team : null
  if (isDefault && team) throw defaultOfTeam()
  await requireAddresses(deps, caller, type, settings)
  if (team) await requireUnsharedBucket(deps, caller, team.id, settings)
  const made = await createOnce(deps, caller, 'createConnector', input, async () => {
    requireFree('settings.name', await findConnector(deps.store.db, settings.name))
    if (isDefault) await checkDefaultSwitch(deps, locationOf(settings))
    const prefixes = async () => (team === null || team.prefix === '' ? [] : [team.prefix])
    if (check) await tryRecorded(deps, caller, type, settings, fields, prefixes)
    const id = deps.newId()
    const row: NamedConnectorRow = {
      id,
      name: settings.name,
      team_id: team?.id ?? null,
      is_default: Number(isDefault),
      version: 1,
      kind: settings.kind,
      location: locationOf(settings),
      ...sealedSettings(id, settings, deps.secretBox),
      created_at: deps.clock(),
      policy: policyText(policy),
      sessions_from: 0,
      team: team?.name ?? null,
    }
    const { team: _, ...stored } = row
    const { db } = deps.store
    const statements = [...(isDefault ? [clearDefaultConnector(db)] : []), insertConnector(db, stored)]
    const teamField = team ? { team: team.name } : {}
    const event = eventOf(deps, caller, type, gated.decision, { ...teamField, ...fields })
    return { unit: { statements, events: [event] }, reply: shownSettings(row, settings) }
  })
  examineLater(deps, made.id)
  return made
}

export async function updateConnector(
  deps: BrokerDeps,
  caller: Caller,
  { params: { connector: name }, body }: ParsedInput<'updateConnector'>,
): Promise<Connector> {
  const { row, decision } = await requireManaged(deps, caller, name, 'connector.update')
  const before = recordOf(row, deps.secretBox).settings
  const { settings = before, isDefault = row.is_default === 1, check, policy } = body
  if (isDefault && row.team_id !== null) throw defaultOfTeam()
  if (body.settings) {
    checkUnmoved(before, settings)
    await requireAddresses(deps, caller, 'connector.update', settings, before)
    const fields = fieldsOf(settings, isDefault)
    const prefixes = () => prefixesOf(deps.store, row.id, row.location)
    if (check) await tryRecorded(deps, caller, 'connector.update', settings, fields, prefixes)
  }
  const becomesDefault = isDefault && row.is_default === 0
  if (becomesDefault) await checkDefaultSwitch(deps, row.location)
  const changes: ConnectorChanges = {
    is_default: Number(isDefault),
    // Given anew, it signs with nothing that came of what was given before.
    ...(body.settings
      ? { ...sealedSettings(row.id, settings, deps.secretBox), sessions_from: deps.clock() }
      : {}),
    ...(policy === undefined ? {} : { policy: policyText(policy) }),
  }
  const { db } = deps.store
  const statements: Statement[] = becomesDefault ? [clearDefaultConnector(db)] : []
  statements.push(updateConnectorRow(db, row.id, row.version, changes))
  const event = eventOf(deps, caller, 'connector.update', decision, fieldsOf(settings, isDefault, policy))
  await deps.store.commit({ statements, events: [event] })
  examineLater(deps, row.id)
  return shownSettings({ ...row, ...changes }, settings)
}

const fixedFields = ['name', 'kind', 'bucket', 'account', 'endpoint'] as const

/** What the teams' objects are in stays; another bucket is another connector. */
function checkUnmoved(before: ConnectorSettings, after: ConnectorSettings): void {
  const valueOf = (settings: ConnectorSettings, field: string) => (settings as Record<string, unknown>)[field]
  const moved =
    fixedFields.find((field) => valueOf(before, field) !== valueOf(after, field)) ??
    (locationOf(before) === locationOf(after) ? undefined : 'region')
  if (moved === undefined) return
  const field = `settings.${moved}`
  throw new SignpostError('invalid', `${field}: may not change; connect another bucket instead.`, { field })
}

/** An address that stands already, set by who may set it, is no new one. */
async function requireAddresses(
  deps: BrokerDeps,
  caller: Caller,
  type: 'connector.create' | 'connector.update',
  settings: ConnectorSettings,
  before?: ConnectorSettings,
): Promise<void> {
  try {
    checkAddresses(deps, caller, settings, before)
  } catch (error) {
    await recordRefusal(deps, caller, type, 'not_organisation_admin', { connector: settings.name })
    throw error
  }
}

/**
 * A team's admin connects what nobody else has connected: at another's bucket, prefixes that clash would tell which teams
 * there are, and one that is taken first would keep others out; without any credential for it.
 */
async function requireUnsharedBucket(
  deps: BrokerDeps,
  caller: Caller,
  teamId: string,
  settings: ConnectorSettings,
): Promise<void> {
  if (mayOrganisation(caller.principal, 'connectors.manage')) return
  const there = await listConnectorsAtLocation(deps.store.db, locationOf(settings))
  if (there.every(({ team_id }) => team_id === teamId)) return
  const { name: connector, bucket } = settings
  await recordRefusal(deps, caller, 'connector.create', 'bucket_of_others', { connector, bucket })
  const detail =
    'settings.bucket: is connected already; only admins of the organisation may connect it again.'
  throw new SignpostError('forbidden', detail, { field: 'settings.bucket' })
}

/** Tries the bucket. What it answers may say what is where in this server's network: who asked is recorded. */
async function tryRecorded(
  deps: BrokerDeps,
  caller: Caller,
  type: 'connector.create' | 'connector.update',
  settings: ConnectorSettings,
  fields: ReturnType<typeof fieldsOf>,
  prefixes: () => Promise<readonly string[]>,
): Promise<void> {
  try {
    await tryBucket(deps, settings, prefixes)
  } catch (error) {
    if (isRecordedRefusal(error)) await recordRefusal(deps, caller, type, error.code, fields)
    throw error
  }
}

/** `marker` too: who changes it changes what a bucket's log says of requesters. */
function fieldsOf(settings: ConnectorSettings, isDefault: boolean, policy?: Policy) {
  const { name, bucket, kind, marker, endpoint, credential } = settings
  const reserved = reservedTexts(settings).filter((text) => text !== `endpoint ${endpoint}`)
  const details = {
    kind,
    isDefault,
    marker,
    credential: credential.type,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(reserved.length === 0 ? {} : { reserved: reserved.join(', ') }),
    ...(policy === undefined ? {} : { policy: policyText(policy) }),
  }
  return { connector: name, bucket, details }
}

function defaultOfTeam(): SignpostError {
  return new SignpostError('invalid', "isDefault: a team's own connector cannot be the default of all.", {
    field: 'isDefault',
  })
}
