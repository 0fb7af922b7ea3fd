import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ResolvedSettings } from '@signpost/contract'
import { openLocalStore, type LocalStore } from '@signpost/local-store'
import type { OpenConnector } from '../domain/connector.ts'
import { checkConnector } from './check.ts'
import { openConnector } from './index.ts'

const credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'check-secret' }

describe('the connector check', () => {
  let store: LocalStore
  let open: OpenConnector
  let silent: Server
  let dataDir: string

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'signpost-check-'))
    store = await openLocalStore({ dataDir, credentials: [credential] })
    await store.createBucket('checked')
    open = openConnector(settingsAt(store.endpoint), { clock: Date.now, fetch })
    silent = createServer(() => {}).listen(0, '127.0.0.1')
  })
  after(async () => {
    open.close()
    await store.close()
    silent.close()
    await rm(dataDir, { recursive: true })
  })

  const check = (send: typeof fetch, timeoutMs = 5000) =>
    checkConnector(open, 'team/', { fetch: send, clock: Date.now, newId: randomUUID }, timeoutMs)
  const results = (report: Awaited<ReturnType<typeof check>>) =>
    report.checks.map(({ name, result }) => `${name} ${result}`)
  const leftovers = async () => (await open.list({ prefix: 'team/', limit: 10 })).objects

  test('reports each step with what was seen, and leaves nothing', async () => {
    const report = await check(fetch)
    assert.deepEqual(results(report), [
      'reachable pass',
      'write pass',
      'read pass',
      'list pass',
      'delete pass',
    ])
    assert.ok(report.checks.every(({ seen, fix }) => seen.length > 10 && fix === null))
    assert.deepEqual(await leftovers(), [])
  })

  test('a refused write leaves out the reading, and still tries the listing', async () => {
    const refuse: typeof fetch = async () =>
      new Response('<Error><Code>AccessDenied</Code><Message>key AKIDEXAMPLE</Message></Error>', {
        status: 403,
      })
    const report = await check(refuse)
    assert.equal(report.ok, false)
    assert.deepEqual(results(report), ['reachable pass', 'write fail', 'list pass'])
    assert.equal(report.checks[1]?.seen, 'The signed URL was refused (HTTP 403 AccessDenied).')
    assert.match(report.checks[1]?.fix ?? '', /read and write objects/)
  })

  test('an object that comes back changed is told, and deleted', async () => {
    const change: typeof fetch = async (url, init) =>
      init?.method === 'GET' ? new Response('something else') : fetch(url, init)
    const report = await check(change)
    assert.deepEqual(results(report), [
      'reachable pass',
      'write pass',
      'read fail',
      'list pass',
      'delete pass',
    ])
    assert.match(report.checks[2]?.fix ?? '', /proxy or cache/)
    assert.deepEqual(await leftovers(), [])
  })

  test('a redirect is told, and leads nowhere', async () => {
    const asked: string[] = []
    const inside = createHttpServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    }).listen(0, '127.0.0.1')
    await once(inside, 'listening')
    const { port } = inside.address() as AddressInfo
    const redirecting = createHttpServer((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${port}/inside` }).end()
    }).listen(0, '127.0.0.1')
    await once(redirecting, 'listening')
    const there = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/`
    const report = await check((_url, init) => fetch(there, init))
    redirecting.close()
    inside.close()
    assert.deepEqual(results(report), ['reachable pass', 'write fail', 'list pass'])
    assert.match(report.checks[1]?.seen ?? '', /HTTP 307/)
    assert.deepEqual(asked, [])
  })

  test("Azure's SDK does not follow a redirect either", async () => {
    const asked: string[] = []
    const inside = createHttpServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    }).listen(0, '127.0.0.1')
    await once(inside, 'listening')
    const location = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/inside`
    let redirected = 0
    const redirecting = createHttpServer((_request, response) => {
      redirected += 1
      response.writeHead(302, { location }).end()
    }).listen(0, '127.0.0.1')
    await once(redirecting, 'listening')
    const azure = openConnector(
      {
        kind: 'azure',
        name: 'azure',
        account: 'account',
        bucket: 'container',
        endpoint: `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`,
        marker: 'uuid',
        credential: { type: 'accountKey', accountKey: 'a2V5' },
      },
      { clock: Date.now, fetch },
    )
    await assert.rejects(async () => azure.ping(2000))
    azure.close()
    assert.ok(redirected > 0)
    for (const server of [redirecting, inside]) {
      server.close()
      server.closeAllConnections()
    }
    assert.deepEqual(asked, [])
  })

  test('a signed URL that nobody answers ends in time, and what it wrote is deleted', async () => {
    const hang: typeof fetch = async (url, init) => {
      const { signal: _, ...others } = init ?? {}
      await fetch(url, others)
      return new Promise(() => {})
    }
    const startedAt = performance.now()
    const report = await check(hang, 500)
    assert.ok(performance.now() - startedAt < 1500)
    assert.deepEqual(results(report).slice(0, 2), ['reachable pass', 'write fail'])
    assert.match(report.checks[1]?.seen ?? '', /No answer/)
    assert.deepEqual(await leftovers(), [])
  })

  test('a store that says nothing fails the first step, in time', async () => {
    const { port } = silent.address() as AddressInfo
    const nowhere = openConnector(settingsAt(`http://127.0.0.1:${port}`), { clock: Date.now, fetch })
    const startedAt = performance.now()
    const deps = { fetch, clock: Date.now, newId: randomUUID }
    const report = await checkConnector(nowhere, 'team/', deps, 500)
    assert.ok(performance.now() - startedAt < 1500)
    assert.deepEqual(results(report), ['reachable fail'])
    assert.match(report.checks[0]?.seen ?? '', /did not answer in time|No answer/)
    nowhere.close()
  })
})

function settingsAt(endpoint: string): ResolvedSettings {
  return {
    kind: 's3',
    name: 'checked',
    bucket: 'checked',
    endpoint,
    region: 'us-east-1',
    addressing: 'path',
    marker: 'username',
    credential: { type: 'static', ...credential },
  }
}
