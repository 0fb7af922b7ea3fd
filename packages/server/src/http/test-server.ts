/** A server around given handlers, without a database: for the tests of what HTTP does with a use case's answer. */
import { operations, SignpostError } from '@signpost/contract'
import { fastify } from 'fastify'
import { organisationPermissionsOf } from '../domain/permissions.ts'
import type { BrokerDeps, Handlers, Policy } from '../broker/deps.ts'
import type { HttpDeps, HttpSettings } from './deps.ts'
import { createMetrics } from './metrics.ts'
import { createHttpServer } from './server.ts'

/** The settings' own defaults. */
export const testPolicy: Policy = {
  readSecondsDefault: 3600,
  readSecondsMax: 3600,
  writeSecondsDefault: 86_400,
  writeSecondsMax: 86_400,
  uploadSecondsMax: 604_800,
  apiKeySecondsMax: 0,
  teamAdminsMaySetEndpoints: false,
}

export const testSettings: HttpSettings = {
  trustedProxies: [],
  corsOrigins: [],
  rateLimitPerMinute: 0,
  rateLimitFailedAuthPerMinute: 0,
  bodyBytesMax: 1024 * 1024,
  connectionsMax: 1000,
  requestSecondsMax: 30,
  metricsPublic: false,
}

export interface TestServer {
  url: string
  logged: { level: number; msg: string; [field: string]: unknown }[]
  close(): Promise<void>
}

/** The tokens `good` and `second` are alice's, `admin` an organisation admin's; handlers not given answer `internal`. */
export async function startTestServer(
  given: Partial<Record<keyof Handlers, unknown>>,
  settings: Partial<HttpSettings> = {},
  ping: () => Promise<void> = async () => undefined,
): Promise<TestServer> {
  const logged: TestServer['logged'] = []
  let id = 0
  const deps: HttpDeps = {
    handlers: Object.fromEntries(
      Object.keys(operations).map((name) => [name, given[name as keyof Handlers] ?? unforeseen]),
    ) as unknown as Handlers,
    broker: {
      newId: () => `id-${++id}`,
      clock: () => 1_800_000_000_000,
      publicUrl: () => 'http://signpost.test',
      refusals: { record: async () => undefined },
      store: { ping, commit: async () => undefined },
    } as unknown as BrokerDeps,
    authenticate: (authorization) => {
      const username = { 'Bearer good': 'alice', 'Bearer second': 'alice', 'Bearer admin': 'root' }[
        authorization ?? ''
      ]
      if (username === undefined) throw new SignpostError('unauthenticated', 'Send a valid API key.')
      return {
        id: username,
        kind: 'user',
        username,
        organisationRole: username === 'root' ? 'admin' : 'member',
        pseudonym: '',
        scid: '',
        organisationPermissions: organisationPermissionsOf(
          'user',
          username === 'root' ? 'admin' : 'member',
          null,
        ),
        apiKeyId: String(authorization),
        keyKind: 'apiKey',
      }
    },
    authenticateToken: () => {
      throw new SignpostError('unauthenticated', 'Send a valid API key.')
    },
    metrics: createMetrics({ process: false }),
    log: testLog(logged),
    version: '0.0.0',
    settings: { ...testSettings, ...settings },
  }
  const server = createHttpServer(deps)
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return { url, logged, close: () => server.close() }
}

async function unforeseen(): Promise<never> {
  throw new Error('no handler was given for this operation')
}

/** Fastify's own logger, writing into an array. */
export function testLog(logged: TestServer['logged']) {
  return fastify({
    logger: { level: 'info', stream: { write: (line: string) => void logged.push(JSON.parse(line)) } },
  }).log
}
