/** Puts the parts together. Importing it does nothing; `createApp` opens nothing but timers. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { authenticate, authenticateToken } from './authn/authenticate.ts'
import { createGuardedFetch } from './authn/guarded-fetch.ts'
import { createOpenId } from './authn/open-id.ts'
import { createIdentityTokens } from './authn/identity-token.ts'
import { createIssuerKeys } from './authn/issuer-keys.ts'
import { createLastUsed } from './authn/last-used.ts'
import { createRefusals } from './authn/refusals.ts'
import { createBesides } from './besides.ts'
import { createChores } from './chores.ts'
import { choresOf } from './all-chores.ts'
import { createBatchRooms } from './broker/batch-rooms.ts'
import { createConnectorPool } from './broker/connector-pool.ts'
import type { BrokerDeps, CheckpointKeys, ConnectorPool, Handlers, Policy } from './broker/deps.ts'
import { handlers } from './broker/handlers.ts'
import { createSecretBox } from './broker/secret-box.ts'
import { signCheckpoint } from './broker/sign-checkpoint.ts'
import { createTeamUses } from './broker/team-uses.ts'
import { createLooks } from './broker/verification/looks.ts'
import { ingestFile } from './correlation/ingest.ts'
import { ownFetch } from './connectors/own-fetch.ts'
import { refuseReference, type ReadSecret } from './connectors/secrets.ts'
import { createRulesReader } from './domain/access-rules.ts'
import type { LogFolders } from './domain/log-folder.ts'
import { createOwnAgent } from './domain/own-agent.ts'
import { createPolicyReader } from './domain/policy.ts'
import type { HttpDeps, HttpSettings } from './http/deps.ts'
import { createMetrics, type Metrics } from './http/metrics.ts'
import { createHttpServer } from './http/server.ts'
import { addScim } from './protocols/scim/plugin.ts'
import { addWandbAudit } from './protocols/wandb-audit/plugin.ts'
import { listeningUrl } from './listening-url.ts'
import { createSender } from './sinks/index.ts'
import type { Store } from './store/store.ts'
import { createUuidV7 } from './uuid-v7.ts'

export interface AppParts {
  store: Store
  /** The first seals, all of them open. 32 bytes each. */
  masterKeys: readonly Uint8Array[]
  policy: Policy
  settings: HttpSettings
  log: HttpDeps['log']
  version: string
  clock?: () => number
  newId?: () => string
  /** How often the doctor looks at each connector again; 0 or left out: only when asked. */
  doctorHours?: number
  /** How often a checkpoint is signed; 0 or left out: when asked, and at the end. */
  checkpointMinutes?: number
  checkpointKeys?: CheckpointKeys
  /** How often log sources are looked at; 0 or left out: when asked. */
  logsIntervalSeconds?: number
  logFolders?: LogFolders
  /** How often audit sinks are looked at; 0 or left out: never. */
  sinksIntervalSeconds?: number
  /** Left out: connectors may refer to no secret. */
  readSecret?: ReadSecret
  /** Origin under which browsers reach the server; left out: where it listens. */
  publicUrl?: string
  /** Endpoint of the embedded store, where it runs. */
  localStoreEndpoint?: string
  /** Also show memory, CPU and event loop lag of this process in the metrics. */
  processMetrics?: boolean
}

export interface App {
  handlers: Handlers
  deps: BrokerDeps
  server: ReturnType<typeof createHttpServer>
  /** Begins the timed chores. */
  start(): void
  /**
   * Stops the chores, finishes running requests (for `drainMs` at most), writes what is left to write. The store stays open. Given
   * `drainMs`, chores are not waited for longer, either: one may talk with a bucket that does not answer.
   */
  close(drainMs?: number): Promise<void>
}

export const systemClock = (): number => Date.now()
export const systemIds = (clock = systemClock): (() => string) => createUuidV7(clock, randomBytes)

export function createApp(parts: AppParts): App {
  const { log, clock = systemClock, newId = systemIds(clock) } = parts
  const metrics = createMetrics({ process: parts.processMetrics ?? false })
  const kinds = new Map<string, string>()
  const store = measured(parts.store, metrics, kinds)
  const secretBox = createSecretBox(parts.masterKeys)
  const { userAgent, isOwnAgent } = createOwnAgent(parts.masterKeys, parts.version)
  const fetchAsOwn = ownFetch(fetch, userAgent)
  const pool = createConnectorPool({
    store,
    secretBox,
    newId,
    log,
    connectorDeps: {
      clock,
      fetch: fetchAsOwn,
      userAgent,
      ...(parts.readSecret === undefined ? {} : { readSecret: parts.readSecret }),
      countSignBlob: (result) => metrics.signBlob(result),
      ...(parts.localStoreEndpoint === undefined ? {} : { localStoreEndpoint: parts.localStoreEndpoint }),
    },
  })
  const connectors = noting(pool, kinds)
  const besides = createBesides(log)
  const teamUses = createTeamUses(store)
  const refusals = createRefusals({ store, clock, newId })
  const lookupAll = (hostname: string) => lookup(hostname, { all: true })
  const guardedFetch = createGuardedFetch({ lookup: lookupAll })
  // Receivers may take their time: whoever waits is nobody's request.
  const patientFetch = createGuardedFetch({ lookup: lookupAll, timeoutMs: 15_000 })
  const deps: BrokerDeps = {
    store,
    connectors,
    secretBox,
    policy: parts.policy,
    policies: createPolicyReader(parts.policy),
    rules: createRulesReader(),
    ...(parts.checkpointKeys === undefined ? {} : { checkpointKeys: parts.checkpointKeys }),
    ...(parts.logFolders === undefined ? {} : { logFolders: parts.logFolders }),
    clock,
    newId,
    randomBytes,
    fetch: fetchAsOwn,
    isOwnAgent,
    ingestFile,
    guardedFetch,
    identityTokens: createIdentityTokens({ keys: createIssuerKeys({ guardedFetch, clock }), clock }),
    openId: createOpenId({ guardedFetch, clock }),
    readSecret: parts.readSecret ?? refuseReference,
    refusals,
    publicUrl: () => parts.publicUrl ?? listeningUrl(server),
    log,
    browserOrigins: parts.settings.corsOrigins,
    beside: besides.start,
    looks: createLooks(),
    rooms: createBatchRooms(),
    noteTeamUse: teamUses.note,
    noteDoctor: (connector, ok) => metrics.doctor(connector, ok),
    noteLogSources: (sources) => metrics.logSources(sources),
    sendToSink: createSender({ clock, lookup: lookupAll, guardedFetch: patientFetch }),
    noteAuditSinks: (sinks) => metrics.auditSinks(sinks),
  }
  const lastUsed = createLastUsed(store)
  const authnDeps = { store, clock, lastUsed, refusals }
  const server = createHttpServer({
    handlers,
    broker: deps,
    authenticate: (authorization, call) => authenticate(authnDeps, authorization, call),
    authenticateToken: (token, kinds, call) => authenticateToken(authnDeps, token, kinds, call),
    metrics,
    log,
    version: parts.version,
    settings: parts.settings,
    protocols: [
      (to, callerOf) => addScim(to, { broker: deps, callerOf }),
      (to, callerOf) => addWandbAudit(to, { broker: deps, callerOf }),
    ],
  })
  let isStarted = false
  const chores = createChores(
    log,
    choresOf({ deps, lastUsed, teamUses, refusals, workerId: newId(), signal: besides.signal, parts }),
  )
  return {
    handlers,
    deps,
    server,
    start() {
      isStarted = true
      chores.start()
    },
    async close(drainMs) {
      const drained = new AbortController()
      const late = sleep(drainMs ?? 0, 'late', { signal: drained.signal }).catch(() => 'drained')
      void late.then(() => server.server.closeAllConnections())
      const work = Promise.all([besides.stop(), chores.stop()])
      await server.close()
      if ((await Promise.race(drainMs === undefined ? [work] : [work, late])) === 'late')
        log.warn(
          { work: [...besides.running(), ...chores.running()] },
          'work beside requests did not end in time; the next start goes on with it',
        )
      drained.abort()
      for (const last of [lastUsed, teamUses, refusals])
        await last.flush().catch((err: unknown) => log.error({ err }, 'a last write before the end failed'))
      if (isStarted)
        await signCheckpoint(deps, { ifOlderThanMs: 0 }).catch((err: unknown) =>
          log.error({ err }, 'no checkpoint was signed at the end'),
        )
      await connectors.close()
    },
  }
}

/** Counts what is written: how long it took, and which decisions about URLs it tells of. */
function measured(store: Store, metrics: Metrics, kinds: ReadonlyMap<string, string>): Store {
  return {
    ...store,
    commit(unit) {
      const begun = performance.now()
      // Kept: the pack may be filled anew before this unit is written.
      const packed = unit.pack?.urls ?? []
      return store.commit(unit).then(
        () => {
          metrics.commit(performance.now() - begun, true)
          for (const { connector, action, decision, count } of packed)
            metrics.url(kinds.get(connector) ?? 'none', action, decision, count)
          for (const event of unit.events) {
            const { type, connector = '', decision } = 'text' in event ? event.common : event
            if (type === 'url.issue')
              metrics.url(kinds.get(connector) ?? 'none', event.action ?? 'none', decision)
          }
        },
        (error: unknown) => {
          metrics.commit(performance.now() - begun, false)
          throw error
        },
      )
    },
  }
}

/** Notes the kind of each connector when it is opened, for the metrics: an audit event has only its name. */
function noting(pool: ConnectorPool, kinds: Map<string, string>): ConnectorPool {
  return {
    ...pool,
    open(id, version) {
      const named = pool.open(id, version)
      if (!(named instanceof Promise)) return named
      return named.then((opened) => {
        kinds.set(opened.name, opened.connector.kind)
        return opened
      })
    },
  }
}
