/** An audit event by OCSF (schema.ocsf.io): API Activity 6003, Authentication 3002, Account Change 3001. */
import { ocsfVersion, type AuditEvent } from '@signpost/contract'
import type { SinkEvent } from './types.ts'

interface OcsfClass {
  uid: number
  name: string
  category: { uid: number; name: string }
}

const iam = { uid: 3, name: 'Identity & Access Management' }
const apiActivity = { uid: 6003, name: 'API Activity', category: { uid: 6, name: 'Application Activity' } }
const authentication = { uid: 3002, name: 'Authentication', category: iam }
const accountChange = { uid: 3001, name: 'Account Change', category: iam }

interface Activity {
  id: number
  name: string
}

const other = 99
const logins: Record<string, Activity> = {
  'auth.login': { id: 1, name: 'Logon' },
  'auth.refuse': { id: 1, name: 'Logon' },
  'auth.logout': { id: 2, name: 'Logoff' },
  'session.delete': { id: 2, name: 'Logoff' },
  'auth.token': { id: 3, name: 'Authentication Ticket' },
}
const accounts: Record<string, Activity> = {
  create: { id: 1, name: 'Create' },
  delete: { id: 6, name: 'Delete' },
}
const crud: Record<string, Activity> = {
  create: { id: 1, name: 'Create' },
  read: { id: 2, name: 'Read' },
  update: { id: 3, name: 'Update' },
  delete: { id: 4, name: 'Delete' },
}
/** The verbs of types of events, by what they do. */
const verbs: Record<string, keyof typeof crud> = {
  open: 'create',
  create: 'create',
  ingest: 'create',
  start: 'create',
  checkpoint: 'create',
  list: 'read',
  read: 'read',
  explain: 'read',
  review: 'read',
  verify: 'read',
  doctor: 'read',
  plan: 'read',
  test: 'read',
  update: 'update',
  set: 'update',
  complete: 'update',
  rotate: 'update',
  network: 'update',
  credential: 'update',
  switch: 'update',
  finish: 'update',
  step: 'update',
  delete: 'delete',
  remove: 'delete',
  abort: 'delete',
  sweep: 'delete',
  end: 'delete',
  cancel: 'delete',
}

export function ocsfOf(audit: SinkEvent): Record<string, unknown> {
  const { event } = audit
  const { kind, activity } = classOf(event)
  return {
    ...headOf(event, kind, activity),
    ...bodyOf(event, kind),
    metadata: {
      version: ocsfVersion,
      product: { name: 'Signpost', vendor_name: 'Signpost' },
      uid: event.id,
      event_code: event.type,
      log_name: 'audit',
      sequence: audit.seq,
      original_time: event.at,
      ...(event.requestId === undefined ? {} : { correlation_uid: event.requestId }),
    },
    raw_data: audit.text,
    unmapped: { ...definedOf(restOf(event)), chain: audit.chain, seq: audit.seq, hash: audit.hash },
  }
}

function headOf(event: AuditEvent, kind: OcsfClass, activity: Activity): Record<string, unknown> {
  const isAllowed = event.decision === 'allow'
  return {
    class_uid: kind.uid,
    class_name: kind.name,
    category_uid: kind.category.uid,
    category_name: kind.category.name,
    activity_id: activity.id,
    activity_name: activity.name,
    type_uid: kind.uid * 100 + activity.id,
    type_name: `${kind.name}: ${activity.name}`,
    time: Date.parse(event.at),
    severity_id: isAllowed ? 1 : 2,
    severity: isAllowed ? 'Informational' : 'Low',
    status_id: isAllowed ? 1 : 2,
    status: isAllowed ? 'Success' : 'Failure',
    status_code: event.reason,
    message: `${event.type}: ${event.decision} (${event.reason})`,
  }
}

/** What the classes have besides. All three know who and from where; who it is about differs. */
function bodyOf(event: AuditEvent, kind: OcsfClass): Record<string, unknown> {
  const { address, agent, type, requestId, key, bucket, team } = event
  const service = { name: 'Signpost' }
  const who = userOf(event)
  const http = agent === undefined ? {} : { http_request: { user_agent: agent } }
  // Something is required; what the server does by itself comes from nowhere.
  const from = { src_endpoint: address === undefined ? { svc_name: 'signpost' } : { ip: address } }
  const actor = { actor: who === undefined ? { app_name: 'Signpost' } : { user: who } }
  if (kind === authentication) {
    const user = who ?? { name: 'unknown', type_id: 0, type: 'Unknown' }
    return { user, service, ...from, ...http }
  }
  if (kind === accountChange) return { user: changedOf(event), ...actor, ...from, ...http }
  const resources = [
    ...(key === undefined
      ? []
      : [{ type: 'object', name: key, ...(bucket ? { group: { name: bucket } } : {}) }]),
    ...(team === undefined ? [] : [{ type: 'team', name: team }]),
  ]
  return {
    ...actor,
    ...from,
    ...http,
    api: { operation: type, service, ...(requestId === undefined ? {} : { request: { uid: requestId } }) },
    ...(resources.length === 0 ? {} : { resources }),
  }
}

function classOf(event: AuditEvent): { kind: OcsfClass; activity: Activity } {
  const login = logins[event.type]
  if (login) return { kind: authentication, activity: login }
  const [noun, verb = ''] = event.type.split('.')
  if (noun === 'user' || noun === 'serviceAccount')
    return { kind: accountChange, activity: accounts[verb] ?? accountUpdate(event) }
  if (event.type === 'url.issue') return { kind: apiActivity, activity: urlActivity(event) }
  const does = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  const activity = does === undefined ? undefined : crud[does]
  return { kind: apiActivity, activity: activity ?? { id: other, name: 'Other' } }
}

function accountUpdate({ details }: AuditEvent): Activity {
  const active = details?.['active']
  if (active === true) return { id: 2, name: 'Enable' }
  if (active === false) return { id: 5, name: 'Disable' }
  return { id: other, name: 'Other' }
}

function urlActivity({ action, method }: AuditEvent): Activity {
  if (method === 'DELETE') return crud['delete']!
  return action === 'write' ? crud['create']! : crud['read']!
}

function userOf({ username, principalId, principalKind, apiKeyId }: AuditEvent): object | undefined {
  if (username === undefined && principalId === undefined) return undefined
  const isPerson = principalKind !== 'serviceAccount'
  return definedOf({
    name: username,
    uid: principalId,
    type_id: isPerson ? 1 : other,
    type: isPerson ? 'User' : 'Service Account',
    credential_uid: apiKeyId,
  })
}

/** Whose account it is. */
function changedOf(event: AuditEvent): object {
  const { user, serviceAccount } = event.details ?? {}
  if (typeof serviceAccount === 'string')
    return { name: serviceAccount, type_id: other, type: 'Service Account' }
  if (typeof user === 'string') return { name: user, type_id: 1, type: 'User' }
  return { name: 'unknown', type_id: 0, type: 'Unknown' }
}

/** What no attribute of the class is for. */
const restNames = [
  'connector',
  'bucket',
  'action',
  'method',
  'grantId',
  'expiresAt',
  'limitedBy',
  'marker',
  'signer',
  'signatureDigest',
  'uploadId',
  'partNumber',
  'details',
] as const

function restOf(event: AuditEvent): object {
  return Object.fromEntries(restNames.map((name) => [name, event[name]]))
}

function definedOf(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
