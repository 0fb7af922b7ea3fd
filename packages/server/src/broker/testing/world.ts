/** A whole broker for tests: a SQLite store in a temporary folder, a local store as the bucket, and people. Only the clock is ours. */
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import type {
  AuditEvent,
  ConnectorSettings,
  ErrorCode,
  OperationId,
  ParsedInput,
  Reply,
} from '@signpost/contract'
import { operations, SignpostError, type Operation } from '@signpost/contract'
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGuardedFetch } from '../../authn/guarded-fetch.ts'
import { createIdentityTokens } from '../../authn/identity-token.ts'
import { createIssuerKeys } from '../../authn/issuer-keys.ts'
import { createOpenId } from '../../authn/open-id.ts'
import { createRefusals } from '../../authn/refusals.ts'
import { refuseReference } from '../../connectors/index.ts'
import { createRulesReader } from '../../domain/access-rules.ts'
import { createPolicyReader } from '../../domain/policy.ts'
import { organisationPermissionsOf } from '../../domain/permissions.ts'
import type { Principal } from '../../domain/principal.ts'
import { exportAuditEvents } from '../../store/audit-events.ts'
import { insertPrincipal } from '../../store/principals.ts'
import { findRole } from '../../store/roles.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { createUuidV7 } from '../../uuid-v7.ts'
import { createConnectorPool } from '../connector-pool.ts'
import type { BrokerDeps, Caller, SecretBox } from '../deps.ts'
import { handlers } from '../handlers.ts'
import { createSecretBox } from '../secret-box.ts'
import { principalRow } from '../users.ts'

const bucket = 'test-bucket'
const credential = { accessKeyId: 'test-key-id', secretAccessKey: 'test-secret' }

/** Parts of an input, before the contract's schemas fill in the defaults. */
export interface Asked {
  params?: Record<string, unknown>
  query?: Record<string, unknown>
  body?: unknown
  idempotencyKey?: string
}

export interface World {
  deps: BrokerDeps
  bucket: LocalStore
  credential: typeof credential
  /** root: organisation admin; carol: admin of demo, alice: member, victor: viewer; mallory: in no team. */
  as: Record<'root' | 'carol' | 'alice' | 'victor' | 'mallory', Caller>
  settings(name: string): ConnectorSettings
  call<Id extends OperationId>(id: Id, caller: Caller, asked?: Asked): Promise<Reply<Id>>
  /** Expects a refusal and answers it. */
  refused(id: OperationId, caller: Caller, asked: Asked, code: ErrorCode): Promise<SignpostError>
  lines(caller: Caller, items: unknown[], team?: string): AsyncGenerator<string>
  /** All events, oldest first. */
  events(): Promise<AuditEvent[]>
  lastEvent(): Promise<AuditEvent>
  /** Moves the broker's clock. */
  pass(seconds: number): void
  /** From now on nothing can be recorded, until `recover` is called. */
  breakRecord(): void
  recover(): void
  callerFor(username: string): Promise<Caller>
  close(): Promise<void>
}

export async function openWorld(options: { masterKeys?: readonly Uint8Array[] } = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'signpost-broker-'))
  const bucketStore = await openLocalStore({ dataDir: join(folder, 'bucket'), credentials: [credential] })
  await bucketStore.createBucket(bucket)
  let passedMs = 0
  const clock = () => Date.now() + passedMs
  const newId = createUuidV7(clock, randomBytes)
  const real = await openSqliteStore({ file: join(folder, 'signpost.sqlite'), newId, clock })
  let isBroken = false
  const store: Store = {
    ...real,
    commit: async (unit) => {
      if (isBroken) throw new SignpostError('record_unavailable', 'The record cannot be written.')
      return real.commit(unit)
    },
  }
  const secretBox = createSecretBox(options.masterKeys ?? [randomBytes(32)])
  const deps = brokerDeps(store, bucketStore, clock, newId, secretBox)
  const events = async () => {
    const all: AuditEvent[] = []
    for await (const row of exportAuditEvents(store.db)) all.push(JSON.parse(row.event) as AuditEvent)
    return all
  }
  const settings = (name: string): ConnectorSettings => ({
    kind: 's3',
    name,
    bucket,
    endpoint: bucketStore.endpoint,
    region: 'us-east-1',
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', ...credential },
  })
  const call = <Id extends OperationId>(id: Id, caller: Caller, asked: Asked = {}) =>
    handlers[id](deps, caller, parsed(id, asked)) as Promise<Reply<Id>>
  const as = await peopled(deps, call, settings)
  return {
    deps,
    bucket: bucketStore,
    credential,
    as,
    settings,
    call,
    events,
    async refused(id, caller, asked, code) {
      const error = await settle(() => call(id, caller, asked))
      assert.ok(error instanceof SignpostError, `${id} should be refused`)
      assert.equal(error.code, code, error.message)
      return error
    },
    lines: (caller, items, team = 'demo') =>
      textOf(handlers.issueUrls(deps, caller, parsed('issueUrls', { params: { team }, body: { items } }))),
    lastEvent: async () => (await events()).at(-1)!,
    pass: (seconds) => void (passedMs += seconds * 1000),
    breakRecord: () => void (isBroken = true),
    recover: () => void (isBroken = false),
    callerFor: (username) => callerFor(deps, username),
    async close() {
      await deps.connectors.close()
      await store.close()
      await bucketStore.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function brokerDeps(
  store: Store,
  local: LocalStore,
  clock: () => number,
  newId: () => string,
  secretBox: SecretBox,
): BrokerDeps {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const connectorDeps = { clock, fetch, localStoreEndpoint: local.endpoint }
  const guardedFetch = createGuardedFetch({ lookup: (hostname) => lookup(hostname, { all: true }) })
  const policy = {
    readSecondsDefault: 3600,
    readSecondsMax: 3600,
    writeSecondsDefault: 86_400,
    writeSecondsMax: 86_400,
    uploadSecondsMax: 7 * 86_400,
    apiKeySecondsMax: 0,
    teamAdminsMaySetEndpoints: false,
  }
  return {
    store,
    secretBox,
    connectors: createConnectorPool({ store, secretBox, newId, log, connectorDeps }),
    policy,
    policies: createPolicyReader(policy),
    rules: createRulesReader(),
    clock,
    newId,
    randomBytes,
    fetch,
    guardedFetch,
    identityTokens: createIdentityTokens({ keys: createIssuerKeys({ guardedFetch, clock }), clock }),
    openId: createOpenId({ guardedFetch, clock }),
    readSecret: refuseReference,
    refusals: createRefusals({ store, clock, newId }),
    publicUrl: () => 'http://signpost.test',
    log,
  }
}

type Call = World['call']

async function peopled(deps: BrokerDeps, call: Call, settings: World['settings']): Promise<World['as']> {
  const root = await insertRoot(deps)
  await call('createConnector', root, { body: { settings: settings('main'), isDefault: true, check: false } })
  await call('createTeam', root, { body: { name: 'demo' } })
  const roles = { carol: 'admin', alice: 'member', victor: 'viewer', mallory: undefined } as const
  for (const [username, role] of Object.entries(roles)) {
    await call('createUser', root, { body: { username } })
    if (role) await call('setMember', root, { params: { team: 'demo', username }, body: { role } })
  }
  const callers = await Promise.all(Object.keys(roles).map((username) => callerFor(deps, username)))
  const [carol, alice, victor, mallory] = callers as [Caller, Caller, Caller, Caller]
  return { root, carol, alice, victor, mallory }
}

async function insertRoot(deps: BrokerDeps): Promise<Caller> {
  const row = {
    ...principalRow(deps, 'root'),
    kind: 'user',
    organisation_role: 'admin',
  } as const
  await deps.store.commit({ statements: [insertPrincipal(deps.store.db, row)], events: [] })
  return callerFor(deps, 'root')
}

/** Its principal as authentication would give it, with a key of its own. */
async function callerFor(deps: BrokerDeps, username: string): Promise<Caller> {
  const { db } = deps.store
  const row = await db
    .selectFrom('principals')
    .selectAll()
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  const custom = await findRole(db, { scope: 'organisation', name: row.organisation_role })
  const principal: Principal = {
    id: row.id,
    kind: row.kind,
    username,
    organisationRole: row.organisation_role,
    organisationPermissions: organisationPermissionsOf(
      row.kind,
      row.organisation_role,
      custom?.permissions ?? null,
    ),
    pseudonym: row.pseudonym,
    scid: row.scid,
    apiKeyId: 'none',
    keyKind: 'apiKey',
  }
  const call = { requestId: randomUUID(), address: '192.0.2.1', agent: 'tests' }
  const key = await handlers.createApiKey(
    deps,
    { principal, call },
    parsed('createApiKey', { body: { name: 'own' } }),
  )
  principal.apiKeyId = (key as Reply<'createApiKey'>).id
  return { principal, call }
}

function parsed<Id extends OperationId>(id: Id, asked: Asked): ParsedInput<Id> & { idempotencyKey?: string } {
  const { params, query, body }: Operation = operations[id]
  return {
    params: params?.parse(asked.params ?? {}),
    query: query?.parse(asked.query ?? {}),
    body: body?.parse(asked.body),
    ...(asked.idempotencyKey === undefined ? {} : { idempotencyKey: asked.idempotencyKey }),
  } as ParsedInput<Id>
}

/** Lines that come written out, as texts. */
async function* textOf(lines: unknown): AsyncGenerator<string> {
  for await (const line of lines as AsyncIterable<string | Buffer>) yield line.toString()
}

/** What a call threw, whether it throws at once, rejects, or ends its lines. */
export async function settle(run: () => unknown): Promise<unknown> {
  try {
    const result = await run()
    if (result && typeof result === 'object' && Symbol.asyncIterator in result) {
      for await (const _ of result as AsyncIterable<unknown>);
    }
    return undefined
  } catch (error) {
    return error
  }
}

export async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
