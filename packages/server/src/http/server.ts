/** The HTTP server: limits, headers and errors around the routes of the contract. */
import type { Server as HttpsServer } from 'node:https'
import { SignpostError } from '@signpost/contract'
import {
  fastify,
  LogController,
  type FastifyHttpsOptions,
  type FastifyInstance,
  type FastifyServerOptions,
} from 'fastify'
import { addAccessLogRoutes } from './access-log-routes.ts'
import { addressSet } from './address.ts'
import { createAdmission, createAuthentication, createBearerCaller } from './authenticated.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { cutIdleWhenClosing } from './closing.ts'
import { allowOrigins } from './cors.ts'
import type { HttpDeps } from './deps.ts'
import { addDeliveryRoutes } from './delivery-routes.ts'
import { addDeviceRoutes } from './device-routes.ts'
import { headersOfAll } from './headers.ts'
import { acceptJsonOnly } from './json-body.ts'
import { addLoginRoutes } from './login-routes.ts'
import { addPages } from './pages.ts'
import { sendProblem } from './problem.ts'
import { addRedirectRoutes } from './redirect-routes.ts'
import { answerUnreadable, refuseLargeBodiesEarly } from './refuse-early.ts'
import { addRoutes, methodsAt } from './routes.ts'
import { addTokenRoutes } from './token-routes.ts'
import { addUrlLane } from './url-lane.ts'

const headerBytesMax = 16 * 1024
/** An object key of 1,024 bytes, each percent-encoded, and the rest of the path. */
const urlBytesMax = 8 * 1024
/** Longer than any load balancer keeps its side of an idle connection, so that it is never we who cut first. */
const keepAliveMs = 75_000
/** No byte in either direction for so long: the connection is given up. */
const silentMs = 120_000

/** Builds the server; listening is the caller's business. */
export function createHttpServer(deps: HttpDeps): FastifyInstance {
  const server = listenerFor(deps)
  server.server.maxConnections = deps.settings.connectionsMax
  cutIdleWhenClosing(server, deps.settings.tls ? 'secureConnection' : 'connection')
  refuseLargeBodiesEarly(server.server, deps.settings.bodyBytesMax * 8)
  server.decorateRequest('caller', null)
  const readJson = acceptJsonOnly(server)
  if (deps.settings.corsOrigins.length > 0) allowOrigins(server, deps.settings.corsOrigins)
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'x-request-id': request.id, ...headersOfAll })
    if (request.raw.url!.length > urlBytesMax)
      done(new SignpostError('invalid', `The address is longer than ${urlBytesMax} bytes.`))
    else done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const operation = request.routeOptions.config.operation ?? 'none'
    deps.metrics.request(operation, reply.statusCode, reply.elapsedTime)
    request.log.debug(
      { requestId: request.id, operation, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'answered',
    )
    done()
  })
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  server.setNotFoundHandler((request, reply) => {
    const path = request.raw.url!.split('?', 1)[0]!
    const methods = methodsAt(path)
    if (methods.length === 0)
      return sendProblem(new SignpostError('not_found', 'There is no such address.'), request, reply)
    const detail = `This address takes ${methods.join(', ')}.`
    reply.header('allow', methods.join(', '))
    return sendProblem(new SignpostError('method_not_allowed', detail), request, reply)
  })
  const admit = createAdmission(deps)
  const sessions = createBrowserSessions(deps, admit)
  const authenticate = createAuthentication(sessions.admit)
  addPages(server, deps, authenticate)
  addLoginRoutes(server, deps, sessions)
  addDeviceRoutes(server, deps, sessions)
  addTokenRoutes(server, deps)
  addDeliveryRoutes(server, deps)
  addAccessLogRoutes(server, deps, authenticate)
  addRedirectRoutes(server, deps, admit, sessions)
  for (const addProtocol of deps.protocols ?? []) addProtocol(server, createBearerCaller(admit))
  addRoutes(server, deps, authenticate)
  addUrlLane(server, deps, { admit, readJson })
  return server
}

const noSchemas = () => () => {
  throw new Error('no route has a schema of Fastify')
}

function listenerFor(deps: HttpDeps): FastifyInstance {
  const { settings, broker, log } = deps
  const requestMs = settings.requestSecondsMax * 1000
  const http = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: Math.min(15_000, requestMs),
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(5000, requestMs),
  }
  const trusted = addressSet(settings.trustedProxies)
  const options: FastifyServerOptions = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would cost more than the few lines with its id that are ever written.
    childLoggerFactory: (logger) => logger,
    // A client's own X-Request-Id is not believed: ours must be unique, and it stands in audit events.
    requestIdHeader: false,
    genReqId: () => broker.newId(),
    trustProxy: settings.trustedProxies.length > 0 ? (address: string) => trusted(address) : false,
    exposeHeadRoutes: false,
    bodyLimit: settings.bodyBytesMax,
    connectionTimeout: silentMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'ignore',
    routerOptions: { maxParamLength: urlBytesMax },
    // The contract's schemas are not Fastify's: what it would load for its own is never used.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id)
      void sendProblem(error, request, reply)
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, broker.newId()),
  }
  const { tls } = settings
  if (!tls) return fastify({ ...options, http })
  // The types differ in what the socket is, which nothing here looks at.
  const httpsOptions = {
    ...options,
    https: { ...http, ...tls, handshakeTimeout: http.headersTimeout },
  } as unknown as FastifyHttpsOptions<HttpsServer>
  return fastify(httpsOptions) as unknown as FastifyInstance
}
