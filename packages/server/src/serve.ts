/** From settings to a server that answers: opens store, embedded store and socket, in this order; closes them in the other. */
import { createPrivateKey } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { countKeysOfMasterKeyBefore } from './broker/checkpoint-signer.ts'
import { sealedWith } from './broker/connector-record.ts'
import { secretsSealedWith } from './broker/provider-record.ts'
import { sinkSecretsSealedWith } from './broker/sinks/sink-record.ts'
import type { CheckpointKeys, Policy } from './broker/deps.ts'
import { signCheckpoint } from './broker/sign-checkpoint.ts'
import { createApp, systemClock, systemIds, type App } from './app.ts'
import type { Config } from './config.ts'
import { createLogFolder } from './connectors/log-folder.ts'
import { createSecretReader } from './connectors/secrets.ts'
import type { LogFolders } from './domain/log-folder.ts'
import { prepareDataFolder } from './first-run/data-folder.ts'
import {
  embeddedConnector,
  listenError,
  openEmbeddedStore,
  type EmbeddedStore,
} from './first-run/embedded-store.ts'
import { createFirstAdmin, type FirstAdmin } from './first-run/first-admin.ts'
import { masterKeyOf } from './first-run/master-key.ts'
import { StartError } from './first-run/start-error.ts'
import type { HttpDeps, HttpSettings } from './http/deps.ts'
import { listeningUrl } from './listening-url.ts'
import type { Store } from './store/store.ts'

export interface Serving {
  app: App
  /** Where this process itself reaches the server. */
  url: string
  folder: string
  embedded: EmbeddedStore | undefined
  /** Only on the start that made it. */
  firstAdmin: FirstAdmin | undefined
  close(): Promise<void>
}

/** Throws a `StartError` for what the operator can put right. Leaves nothing open when it throws. */
export async function serve(
  config: Config,
  given: {
    log: HttpDeps['log']
    version: string
    /** Variables SIGNPOST_SECRET_*, that connectors may refer to. */
    secrets?: Readonly<Record<string, string | undefined>>
    tls?: { cert: string; key: string }
  },
): Promise<Serving> {
  const folder = resolve(config.SIGNPOST_DATA_DIR)
  prepareDataFolder(folder)
  const opened: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const end of opened.splice(0).toReversed()) await end()
  }
  try {
    const store = await openStore(config, folder, given.log)
    opened.push(() => store.close())
    if (store.engine === 'postgres' && config.SIGNPOST_MASTER_KEY === undefined)
      given.log.warn(
        {},
        'the master key is in the data folder: several replicas must be given one and the same by SIGNPOST_MASTER_KEY',
      )
    const masterKey = masterKeyOf(config.SIGNPOST_MASTER_KEY, folder, await hasSealed(store))
    const previous = config.SIGNPOST_MASTER_KEY_PREVIOUS
    const embedded = config.SIGNPOST_LOCAL_STORE === 'on' ? await openEmbedded(config, folder) : undefined
    if (embedded) opened.push(() => embedded.store.close())
    const app = createApp({
      store,
      masterKeys: previous === undefined ? [masterKey] : [masterKey, Buffer.from(previous, 'base64')],
      readSecret: createSecretReader({ env: given.secrets ?? {}, secretsDir: config.SIGNPOST_SECRETS_DIR }),
      policy: policyOf(config),
      settings: httpSettingsOf(config, given.tls),
      log: given.log,
      version: given.version,
      ...(config.SIGNPOST_PUBLIC_URL === undefined ? {} : { publicUrl: config.SIGNPOST_PUBLIC_URL }),
      checkpointMinutes: config.SIGNPOST_CHECKPOINT_MINUTES,
      checkpointKeys: checkpointKeysOf(config),
      processMetrics: true,
      doctorHours: config.SIGNPOST_DOCTOR_HOURS,
      logsIntervalSeconds: config.SIGNPOST_LOGS_INTERVAL_SECONDS,
      sinksIntervalSeconds: config.SIGNPOST_SINKS_INTERVAL_SECONDS,
      logFolders: logFoldersOf(config, embedded),
      ...(embedded ? { localStoreEndpoint: embedded.endpoint } : {}),
    })
    opened.push(() => app.close(config.SIGNPOST_DRAIN_SECONDS * 1000))
    await requireRightMasterKeys(app, given.log)
    if (embedded) await warnIfMoved(store, embedded, given.log)
    const firstAdmin = await createFirstAdmin(app.deps, config.SIGNPOST_ADMIN_TOKEN, folder)
    // The first one makes the key. Without it the server works; each try says why there is none.
    await signCheckpoint(app.deps, { ifOlderThanMs: Infinity }).catch((err: unknown) =>
      given.log.error({ err }, 'no checkpoint of the audit trail can be signed'),
    )
    const url = await listen(app, config)
    app.start()
    return { app, url, folder, embedded, firstAdmin, close }
  } catch (error) {
    await close()
    throw error
  }
}

export async function openStore(config: Config, folder: string, log: HttpDeps['log']): Promise<Store> {
  const clock = systemClock
  const newId = systemIds()
  try {
    if (config.SIGNPOST_DATABASE_URL !== undefined) {
      const { openPostgresStore } = await import('./store/postgres.ts')
      return await openPostgresStore({ url: config.SIGNPOST_DATABASE_URL, clock, newId })
    }
    const { openSqliteStore } = await import('./store/sqlite.ts')
    const onLost = (error: Error) => log.fatal({}, error.message)
    return await openSqliteStore({ file: join(folder, 'signpost.sqlite'), clock, newId, onLost })
  } catch (cause) {
    const what = config.SIGNPOST_DATABASE_URL === undefined ? 'SIGNPOST_DATA_DIR' : 'SIGNPOST_DATABASE_URL'
    throw new StartError(
      `${what}: the database cannot be opened: ${cause instanceof Error ? cause.message : ''}`,
      cause,
    )
  }
}

async function openEmbedded(config: Config, folder: string): Promise<EmbeddedStore> {
  return openEmbeddedStore({
    folder,
    host: config.SIGNPOST_HOST,
    port: config.SIGNPOST_LOCAL_STORE_PORT,
    endpoint: config.SIGNPOST_LOCAL_STORE_URL,
  })
}

/** Something that a new master key could not open. */
async function hasSealed({ db }: Store): Promise<boolean> {
  for (const table of ['connectors', 'identity_providers'] as const)
    if (await db.selectFrom(table).select('id').limit(1).executeTakeFirst()) return true
  return false
}

/** A key that does not open what is stored would show only at the first request; better now. */
async function requireRightMasterKeys({ deps }: App, log: HttpDeps['log']): Promise<void> {
  const all = [await sealedWith(deps), await secretsSealedWith(deps), await sinkSecretsSealedWith(deps)]
  const opened = all.reduce((sum, one) => sum + one.opened, 0)
  const unopened = all.flatMap((one) => one.unopened)
  const previous = all.reduce((sum, one) => sum + one.previous, await countKeysOfMasterKeyBefore(deps))
  if (opened === 0 && unopened.length > 0)
    throw new StartError(
      'The master key is not the one that the stored credentials were sealed with. Put the right `master-key` back into the data folder, or give the right one by SIGNPOST_MASTER_KEY; if the key was just changed, give the one before it by SIGNPOST_MASTER_KEY_PREVIOUS.',
    )
  if (unopened.length > 0)
    log.error(
      { unopened },
      'no master key given opens the credentials of some connectors, identity providers or audit sinks: give the key before this one by SIGNPOST_MASTER_KEY_PREVIOUS, or give them their credentials anew',
    )
  if (previous > 0)
    log.warn(
      { credentials: previous },
      'credentials are still sealed with the master key before this one: run `signpost secrets rotate`',
    )
}

/** The connector keeps the address that it was made with. */
async function warnIfMoved({ db }: Store, { endpoint }: EmbeddedStore, log: HttpDeps['log']): Promise<void> {
  const row = await db
    .selectFrom('connectors')
    .select('settings')
    .where('name', '=', embeddedConnector)
    .executeTakeFirst()
  const made = row && (JSON.parse(row.settings) as { endpoint?: string }).endpoint
  if (made !== undefined && made !== endpoint)
    log.warn(
      { connector: embeddedConnector, endpoint: made, embeddedStore: endpoint },
      'the embedded store is not where its connector says: set SIGNPOST_LOCAL_STORE_PORT back to the port of the first start',
    )
}

async function listen({ server }: App, config: Config): Promise<string> {
  const host = config.SIGNPOST_HOST
  const { log } = server
  const { level } = log
  // Fastify says where it listens at `info` and cannot be told not to; the greeting says it better.
  log.level = 'warn'
  try {
    await server.listen({ host, port: config.SIGNPOST_PORT })
  } catch (cause) {
    throw listenError(cause, 'SIGNPOST_PORT', { host, port: config.SIGNPOST_PORT }) ?? cause
  } finally {
    log.level = level
  }
  log.debug({ addresses: server.addresses() }, 'listening')
  return listeningUrl(server)
}

function logFoldersOf(config: Config, embedded: EmbeddedStore | undefined): LogFolders {
  const given = config.SIGNPOST_LOGS_DIR
  const own = embedded && createLogFolder(dirname(embedded.store.accessLogFile), /^access\.log(?:\.\d+)?$/)
  return {
    ...(given === undefined ? {} : { given: createLogFolder(resolve(given)) }),
    ...(own === undefined ? {} : { localStore: own }),
  }
}

function checkpointKeysOf(config: Config): CheckpointKeys {
  const { SIGNPOST_CHECKPOINT_KEY: key, SIGNPOST_CHECKPOINT_KEY_PREVIOUS: previous } = config
  const keys: CheckpointKeys = {}
  if (key !== undefined) keys.given = createPrivateKey(key)
  if (previous !== undefined) keys.previous = previous === 'lost' ? 'lost' : createPrivateKey(previous)
  return keys
}

function policyOf(config: Config): Policy {
  return {
    readSecondsDefault: config.SIGNPOST_READ_SECONDS_DEFAULT,
    readSecondsMax: config.SIGNPOST_READ_SECONDS_MAX,
    writeSecondsDefault: config.SIGNPOST_WRITE_SECONDS_DEFAULT,
    writeSecondsMax: config.SIGNPOST_WRITE_SECONDS_MAX,
    uploadSecondsMax: config.SIGNPOST_UPLOAD_SECONDS_MAX,
    apiKeySecondsMax: config.SIGNPOST_API_KEY_SECONDS_MAX,
    teamAdminsMaySetEndpoints: config.SIGNPOST_TEAM_ADMINS_MAY_SET_ENDPOINTS,
  }
}

function httpSettingsOf(config: Config, tls?: { cert: string; key: string }): HttpSettings {
  return {
    trustedProxies: config.SIGNPOST_TRUSTED_PROXIES,
    corsOrigins: config.SIGNPOST_CORS_ORIGINS,
    rateLimitPerMinute: config.SIGNPOST_RATE_LIMIT_PER_MINUTE,
    rateLimitFailedAuthPerMinute: config.SIGNPOST_RATE_LIMIT_FAILED_AUTH_PER_MINUTE,
    bodyBytesMax: config.SIGNPOST_BODY_BYTES_MAX,
    connectionsMax: config.SIGNPOST_CONNECTIONS_MAX,
    requestSecondsMax: config.SIGNPOST_REQUEST_SECONDS_MAX,
    metricsPublic: config.SIGNPOST_METRICS_PUBLIC,
    ...(tls ? { tls } : {}),
  }
}
