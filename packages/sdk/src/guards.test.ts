/** Guard rails through the client: what is asked for, what is sent, and what is made of the answer. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSignpost } from './create-signpost.ts'
import { createSignpost as createNodeSignpost } from './node.ts'
import { formBody } from './form-body.ts'

/** An API that answers as told, and a store that takes what comes. */
interface Stub {
  url: string
  asked: { path: string; body: Record<string, unknown> }[]
  stored: { method: string; type: string; body: Buffer }[]
  /** Answers a request for a URL. */
  issue: (body: Record<string, unknown>) => { status: number; reply: object }
  verification: object
  server: Server
}

async function openStub(): Promise<Stub> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    if (request.url === '/store') {
      const type = request.headers['content-type'] ?? ''
      stub.stored.push({ method: request.method ?? '', type, body })
      response.writeHead(201, { etag: '"e"' }).end()
      return
    }
    const input = body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : {}
    stub.asked.push({ path: request.url ?? '', body: input })
    const isVerify = request.url?.endsWith('/verify') === true
    const { status, reply } = isVerify ? { status: 200, reply: stub.verification } : stub.issue(input)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stub: Stub = {
    url,
    asked: [],
    stored: [],
    issue: () => ({ status: 500, reply: {} }),
    verification: {},
    server,
  }
  return stub
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const address = { team: 'vision', key: 'k' }
const range = { min: 1, max: 9 }

describe('guard rails of an upload', () => {
  let stub: Stub
  let folder: string
  before(async () => {
    stub = await openStub()
    folder = await mkdtemp(join(tmpdir(), 'sdk-guards-'))
  })
  after(async () => {
    stub.server.closeAllConnections()
    stub.server.close()
    await rm(folder, { recursive: true })
  })
  const issued = (method: string, more: object = {}) => ({
    grantId: 'g-1',
    method,
    url: `${stub.url}/store`,
    headers: {},
    successStatuses: [201],
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
    limitedBy: 'requested',
    enforcement: { contentLengthRange: 'storage' },
    ...more,
  })
  const form = () =>
    issued('POST', { fields: { key: 'vision/k', 'Content-Type': 'text/plain', Policy: 'cG9s' } })
  const fresh = () => {
    stub.asked.length = 0
    stub.stored.length = 0
    return createSignpost({ url: stub.url, token: 't', retries: 0 })
  }

  test('a range is asked for as a form, which brings its fields in order and the file last', async () => {
    const client = fresh()
    stub.issue = () => ({ status: 200, reply: form() })
    const seen: number[] = []
    const result = await client.upload(address, Buffer.from('content'), {
      contentLengthRange: range,
      onProgress: ({ bytesDone }: { bytesDone: number }) => seen.push(bytesDone),
    } as never)
    assert.equal(result.sizeBytes, 7)
    assert.deepEqual(stub.asked[0]?.body, {
      action: 'write',
      key: 'k',
      contentLengthRange: range,
      method: 'POST',
    })
    const [sent] = stub.stored
    assert.equal(sent?.method, 'POST')
    const parsed = await new Response(new Uint8Array(sent!.body), {
      headers: { 'content-type': sent!.type },
    }).formData()
    assert.deepEqual([...parsed.keys()], ['key', 'Content-Type', 'Policy', 'file'])
    assert.equal(await (parsed.get('file') as File).text(), 'content')
  })

  test('a file goes the same way', async () => {
    const path = join(folder, 'f.bin')
    await writeFile(path, 'from disk')
    const client = createNodeSignpost({ url: stub.url, token: 't', retries: 0 })
    stub.stored.length = 0
    stub.issue = () => ({ status: 200, reply: form() })
    await client.uploadFile(address, path, { contentLengthRange: range })
    const [sent] = stub.stored
    const parsed = await new Response(new Uint8Array(sent!.body), {
      headers: { 'content-type': sent!.type },
    }).formData()
    assert.equal(await (parsed.get('file') as File).text(), 'from disk')
    client.close?.()
  })

  test('where the store has no forms it is a PUT, and the object is looked at', async () => {
    const client = fresh()
    const refusal = {
      type: 'about:blank',
      title: 'x',
      status: 422,
      code: 'unsupported_by_store',
      detail: 'no forms',
    }
    const put = issued('PUT', { enforcement: { contentLengthRange: 'verified-after' } })
    stub.issue = ({ method }) =>
      method === 'POST' ? { status: 422, reply: refusal } : { status: 200, reply: put }
    stub.verification = { grantId: 'g-1', state: 'passed', failed: [], outcome: null }
    await client.upload(address, Buffer.from('content'), { contentLengthRange: range })
    assert.deepEqual(
      stub.asked.map(({ path }) => path),
      ['/v1/teams/vision/urls', '/v1/teams/vision/urls', '/v1/teams/vision/urls/g-1/verify'],
    )
    assert.equal(stub.stored[0]?.method, 'PUT')
  })

  test('what fails the look fails the upload, with a code and what was done', async () => {
    const client = fresh()
    stub.issue = () => ({
      status: 200,
      reply: issued('PUT', { enforcement: { checksum: 'verified-after' } }),
    })
    stub.verification = { grantId: 'g-1', state: 'failed', failed: ['checksum'], outcome: 'quarantined' }
    await assert.rejects(client.upload(address, Buffer.from('x')), {
      name: 'TransferError',
      code: 'verification_failed',
      message: /\(checksum\); it was moved away/,
    })
    const before = stub.asked.length
    await client.upload(address, Buffer.from('x'), { reportWrites: false })
    assert.equal(stub.asked.length, before + 1, 'left to the server')
    assert.equal((await client.verify('vision', 'g-1')).state, 'failed')
  })

  test('a store without forms, and a budget that wants the length: the length is told with the range', async () => {
    const client = fresh()
    const problem = (status: number, code: string, field?: string) => ({
      status,
      reply: { type: 't', title: 'x', status, code, detail: 'no', ...(field ? { field } : {}) },
    })
    stub.issue = ({ method, contentLength }) => {
      if (method === 'POST') return problem(422, 'unsupported_by_store')
      if (contentLength === undefined) return problem(403, 'restricted', 'contentLength')
      return { status: 200, reply: issued('PUT') }
    }
    await client.upload(address, Buffer.from('content'), { contentLengthRange: range })
    const last = stub.asked.findLast(({ path }) => path === '/v1/teams/vision/urls')
    assert.deepEqual([last?.body['contentLength'], last?.body['contentLengthRange']], [7, range])
    assert.equal(stub.stored.length, 1)
  })

  test('create-only is a PUT, since a form cannot say it', async () => {
    const client = fresh()
    stub.issue = () => ({ status: 200, reply: issued('PUT') })
    await client.upload(address, Buffer.from('x'), { contentLengthRange: range, createOnly: true })
    assert.equal(stub.asked[0]?.body['method'], undefined)
  })

  test('what is outside the range is not even asked for', async () => {
    const client = fresh()
    for (const body of ['', 'more than nine'])
      await assert.rejects(client.upload(address, Buffer.from(body), { contentLengthRange: range }), {
        code: 'size_mismatch',
      })
    assert.equal(stub.asked.length, 0)
  })

  test('a form of nothing has an empty file; names and values stand as they are', async () => {
    const { body, contentType, headBytes } = await formBody({ key: 'ä "b"' }, undefined)
    const parsed = await new Response(new Uint8Array(body.bytes), {
      headers: { 'content-type': contentType },
    }).formData()
    assert.equal(parsed.get('key'), 'ä "b"')
    assert.equal((parsed.get('file') as File).size, 0)
    assert.ok(headBytes < body.bytes.byteLength)
  })
})
