/** Puts the parts together: the folder, the index, the access log and the HTTP server. */
import { chmodSync, mkdirSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { openAccessLog } from './access-log.ts'
import { openBodyFiles } from './body-files.ts'
import { insertBucket } from './bucket-operations.ts'
import type { HandleDeps } from './handle-request.ts'
import { handleRequest } from './handle-request.ts'
import { openIndexDatabase } from './index-database.ts'
import { isKnownFile } from './object-index.ts'
import { isBucketName } from './request-target.ts'
import type { LocalStore, LocalStoreCredential, LocalStoreOptions } from './types.ts'

const HEADER_BYTES_MAX = 32 * 1024
const CONNECTIONS_MAX = 4096
const IDLE_MS = 60_000
const DRAIN_MS = 10_000

/** Throws when the options are wrong, the folder is in use or the port is taken. */
export async function openLocalStore(options: LocalStoreOptions): Promise<LocalStore> {
  const credentials = checkCredentials(options.credentials)
  const requestTimeoutSeconds = options.requestTimeoutSeconds ?? 3600
  if (!(requestTimeoutSeconds >= 1)) throw new Error('requestTimeoutSeconds: must be 1 or more')
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  chmodSync(options.dataDir, 0o700)
  const index = openIndexDatabase(join(options.dataDir, 'index.sqlite'))
  const accessLogFile = join(options.dataDir, 'access.log')
  const working = new Set<Promise<void>>()
  const maxConcurrent = options.maxConcurrentRequests ?? 512
  try {
    const deps: HandleDeps = {
      index,
      bodies: openBodyFiles(options.dataDir, isKnownFile(index)),
      accessLog: openAccessLog(accessLogFile, {
        maxBytes: options.accessLogMaxBytes ?? 64 * 1024 ** 2,
        filesKept: options.accessLogFilesKept ?? 4,
      }),
      credentials,
      clock: options.clock ?? Date.now,
      region: options.region ?? 'us-east-1',
      maxObjectBytes: options.maxObjectBytes ?? 5 * 1024 ** 4,
      hasRoom: () => working.size < maxConcurrent,
      reportError: (error) => process.emitWarning(error instanceof Error ? error : String(error)),
    }
    const server = createStoreServer(deps, working, requestTimeoutSeconds)
    const connections = openConnections(server)
    const address = await listen(server, options.host ?? '127.0.0.1', options.port ?? 0)
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return {
      endpoint: `http://${host}:${address.port}`,
      port: address.port,
      accessLogFile,
      createBucket: (name) => createBucketOnce(deps, name),
      close: () => closeStore(server, connections, working, deps),
    }
  } catch (error) {
    index.close()
    throw error
  }
}

function checkCredentials(credentials: readonly LocalStoreCredential[]): Map<string, LocalStoreCredential> {
  const byId = new Map<string, LocalStoreCredential>()
  for (const credential of credentials) {
    if (!/^[A-Za-z0-9_./+=@-]{1,128}$/.test(credential.accessKeyId)) {
      throw new Error('credentials: accessKeyId must be 1 to 128 letters, digits or _ . / + = @ -')
    }
    if (credential.secretAccessKey.length < 8)
      throw new Error('credentials: secretAccessKey must have 8 characters or more')
    if (byId.has(credential.accessKeyId)) throw new Error('credentials: two of them have one accessKeyId')
    byId.set(credential.accessKeyId, credential)
  }
  return byId
}

function createStoreServer(
  deps: HandleDeps,
  working: Set<Promise<void>>,
  requestTimeoutSeconds: number,
): Server {
  const accept = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    // A client that goes away is no error of ours.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    const work: Promise<void> = handleRequest(deps, request, response, expectsContinue)
      .catch((error: unknown) => {
        deps.reportError(error)
        response.destroy()
      })
      .finally(() => working.delete(work))
    working.add(work)
  }
  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: Math.min(20, requestTimeoutSeconds) * 1000,
    requestTimeout: requestTimeoutSeconds * 1000,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: IDLE_MS,
  })
  server.maxConnections = CONNECTIONS_MAX
  server.timeout = IDLE_MS
  server.on('request', (request, response) => accept(request, response, false))
  server.on('checkContinue', (request, response) => accept(request, response, true))
  return server
}

function openConnections(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}

async function createBucketOnce(deps: HandleDeps, name: string): Promise<void> {
  if (!isBucketName(name)) throw new Error(`createBucket: "${name}" is not a valid bucket name`)
  await deps.index.commit(() => insertBucket(deps, name))
}

async function closeStore(
  server: Server,
  connections: ReadonlySet<Socket>,
  working: ReadonlySet<Promise<void>>,
  deps: HandleDeps,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  // Connections that were busy are kept alive by their clients, and would hold the end up.
  const tidy = setInterval(() => {
    server.closeIdleConnections()
    // Clients open some for later. Node takes one on which nothing was ever asked for busy.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  }, 20)
  await closed
  clearInterval(tidy)
  clearTimeout(deadline)
  while (working.size > 0) await Promise.all(working)
  deps.accessLog.close()
  deps.index.close()
}
