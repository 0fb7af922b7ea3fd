import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An API and a store that speak the header contract, in memory, with faults on demand. For tests of the client alone. */
export interface Rim {
  url: string
  /** Keys and what is stored under them. */
  objects: Map<string, Buffer>
  uploads: Map<string, { key: string; sizeBytes: number | null; state: string; parts: Map<number, Buffer> }>
  /** Each request as `API issueUrl` or `STORE PUT key?part=3`. */
  log: string[]
  /** Looks at each request to the store first; true: it has answered itself. */
  fault:
    | ((request: IncomingMessage, response: ServerResponse, what: string) => boolean | Promise<boolean>)
    | undefined
  /** The same for the API. */
  apiFault: ((request: IncomingMessage, response: ServerResponse, what: string) => boolean) | undefined
  /** Of the API and of the store. */
  clock: () => number
  /** Life of the URLs that are issued, ms. */
  lifeMs: number
  partSizeBytes: number
  sockets(): number
  close(): Promise<void>
}

export async function openRim(): Promise<Rim> {
  const sockets = new Set<object>()
  const server = createServer((request, response) => {
    void answer(rim, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const rim: Rim = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    uploads: new Map(),
    log: [],
    fault: undefined,
    apiFault: undefined,
    clock: Date.now,
    lifeMs: 3_600_000,
    partSizeBytes: 1000,
    sockets: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return rim
}

export function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

export function storeError(response: ServerResponse, status: number, code: string, message: string): true {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`)
  return true
}

export function problem(response: ServerResponse, status: number, code: string, detail: string): true {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', title: code, status, detail, code, requestId: 'req-1' }))
  return true
}

async function answer(rim: Rim, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', rim.url)
  if (url.pathname.startsWith('/store/')) return answerStore(rim, request, response, url)
  const body = await readBody(request)
  const what = `API ${request.method} ${url.pathname.replace('/v1/teams/vision', '')}`
  rim.log.push(what)
  if (rim.apiFault?.(request, response, what)) return
  const input = body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : {}
  answerApi(rim, `${request.method} ${url.pathname}`, input, url, response)
}

function issue(rim: Rim, method: string, key: string, extra: Record<string, string> = {}): object {
  const query = new URLSearchParams({
    ...extra,
    expires: String(rim.clock() + rim.lifeMs),
    'X-Amz-Signature': 'cafe',
  })
  return {
    grantId: randomUUID(),
    method,
    url: `${rim.url}/store/${key.split('/').map(encodeURIComponent).join('/')}?${query}`,
    headers: {},
    successStatuses: method === 'PUT' ? [200, 201] : [200],
    expiresAt: new Date(rim.clock() + rim.lifeMs).toISOString(),
    limitedBy: 'requested',
    enforcement: {},
  }
}

function uploadOf(rim: Rim, uploadId: string): object {
  const upload = rim.uploads.get(uploadId)!
  return {
    uploadId,
    team: 'vision',
    key: upload.key,
    state: upload.state,
    sizeBytes: upload.sizeBytes,
    partSizeBytes: rim.partSizeBytes,
    partCount: upload.sizeBytes === null ? null : Math.ceil(upload.sizeBytes / rim.partSizeBytes),
    maxParts: 10_000,
    createdAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    enforcement: {},
    parts: [...upload.parts].map(([partNumber, bytes]) => ({
      partNumber,
      sizeBytes: bytes.length,
      etag: etagOf(bytes),
    })),
  }
}

function answerApi(
  rim: Rim,
  route: string,
  input: Record<string, unknown>,
  url: URL,
  response: ServerResponse,
): void {
  const json = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(value))
  }
  const method = (request: Record<string, unknown>) =>
    (request['method'] as string | undefined) ?? (request['action'] === 'read' ? 'GET' : 'PUT')
  const [, uploadId = '', verb] = /\/uploads\/([^/]+)(\/\w+)?$/.exec(route) ?? []
  const upload = rim.uploads.get(uploadId)
  if (route.endsWith('/urls')) return json(200, issue(rim, method(input), String(input['key'])))
  if (route.endsWith('/urls/batch')) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const items = input['items'] as Record<string, unknown>[]
    for (const [index, item] of items.entries()) {
      const bad = { type: 'about:blank', title: 'Bad', status: 400, detail: 'Bad key', code: 'invalid_key' }
      const line =
        item['key'] === 'bad'
          ? { index, error: bad }
          : { index, ...issue(rim, method(item), String(item['key'])) }
      response.write(`${JSON.stringify(line)}\n`)
    }
    response.end()
    return
  }
  if (route.endsWith('/uploads')) {
    const id = randomUUID()
    const sizeBytes = (input['sizeBytes'] as number | undefined) ?? null
    rim.uploads.set(id, { key: String(input['key']), sizeBytes, state: 'open', parts: new Map() })
    return json(201, uploadOf(rim, id))
  }
  if (upload && verb === '/parts') {
    const parts = (input['partNumbers'] as number[]).map((partNumber) => ({
      partNumber,
      ...issue(rim, 'PUT', upload.key, { upload: uploadId, part: String(partNumber) }),
    }))
    return json(200, { parts })
  }
  if (upload && verb === '/complete') {
    const numbers = [...upload.parts.keys()].toSorted((a, b) => a - b)
    const whole = Buffer.concat(numbers.map((partNumber) => upload.parts.get(partNumber)!))
    rim.objects.set(upload.key, whole)
    upload.state = 'completed'
    return json(200, {
      uploadId,
      key: upload.key,
      sizeBytes: whole.length,
      etag: etagOf(whole),
      versionId: null,
    })
  }
  if (upload && route.startsWith('GET')) return json(200, uploadOf(rim, uploadId))
  if (upload && route.startsWith('DELETE')) {
    upload.state = 'aborted'
    response.writeHead(204).end()
    return
  }
  if (route.includes('/objects/') && route.startsWith('DELETE')) {
    rim.objects.delete(decodeURIComponent(route.split('/objects/')[1]!))
    response.writeHead(204).end()
    return
  }
  if (route.endsWith('/objects')) {
    const keys = [...rim.objects.keys()].toSorted()
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const limit = Number(url.searchParams.get('limit') ?? 1000)
    const items = keys.slice(from, from + limit).map((key) => ({
      key,
      sizeBytes: rim.objects.get(key)!.length,
      etag: etagOf(rim.objects.get(key)!),
      lastModified: new Date(0).toISOString(),
    }))
    return json(200, {
      items,
      prefixes: [],
      nextCursor: from + limit < keys.length ? String(from + limit) : null,
    })
  }
  problem(response, 404, 'not_found', `No ${route}`)
}

async function answerStore(
  rim: Rim,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const key = decodeURIComponent(url.pathname.slice('/store/'.length))
  const part = url.searchParams.get('part')
  const range = request.headers.range
  const what = `STORE ${request.method} ${key}${part === null ? '' : `?part=${part}`}${range ? ` ${range}` : ''}`
  rim.log.push(what)
  if (await rim.fault?.(request, response, what)) return
  if (Number(url.searchParams.get('expires')) < rim.clock()) {
    storeError(response, 403, 'AccessDenied', 'Request has expired')
    return
  }
  if (request.method === 'PUT') {
    const body = await readBody(request)
    if (part === null) rim.objects.set(key, body)
    else rim.uploads.get(url.searchParams.get('upload')!)!.parts.set(Number(part), body)
    response.writeHead(200, { etag: etagOf(body), 'content-length': 0 }).end()
    return
  }
  const object = rim.objects.get(key)
  if (!object) {
    storeError(response, 404, 'NoSuchKey', 'The specified key does not exist.')
    return
  }
  const headers = { etag: etagOf(object), 'content-type': 'text/plain' }
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
  if (!match) {
    response.writeHead(200, { ...headers, 'content-length': object.length }).end(object)
    return
  }
  const start = Number(match[1])
  const end = Math.min(Number(match[2]) + 1, object.length)
  if (start >= object.length) {
    storeError(response, 416, 'InvalidRange', 'The requested range is not satisfiable')
    return
  }
  response.writeHead(206, {
    ...headers,
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${object.length}`,
  })
  response.end(object.subarray(start, end))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
