import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createSignpost as createPlain, SignpostError, TransferError, type SignpostOptions } from './index.ts'
import { createSignpost as createNode } from './node.ts'

describe('an identity token', () => {
  /** What came, as `path body|authorization`. */
  let log: string[] = []
  /** Access tokens that count at present. */
  let good: Set<string>
  let exchangeFault: ((response: ServerResponse) => boolean) | undefined
  let url: string
  let now = 0
  let server: ReturnType<typeof createServer>
  beforeEach(async () => {
    log = []
    good = new Set()
    exchangeFault = undefined
    now = 1_800_000_000_000
    let made = 0
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const body = await text(request)
      if (request.url === '/base/oidc/token') {
        log.push(`exchange ${new URLSearchParams(body).get('assertion')}`)
        if (exchangeFault?.(response)) return
        made += 1
        good.add(`st_${made}`)
        response.end(JSON.stringify({ access_token: `st_${made}`, token_type: 'Bearer', expires_in: 900 }))
      } else {
        const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
        log.push(`${request.method} ${token}`)
        const status = good.has(token) ? (request.method === 'DELETE' ? 404 : 200) : 401
        const codes = { 401: 'unauthenticated', 404: 'not_found' } as Record<number, string>
        response.writeHead(status, { 'content-type': 'application/problem+json' })
        const problem = { type: 'x', title: 'x', status, detail: 'x', code: codes[status], requestId: 'r' }
        response.end(JSON.stringify(status === 200 ? { items: [], nextCursor: null } : problem))
      }
    }
    server = createServer((request, response) => void answer(request, response))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const open = (options: Partial<SignpostOptions> = {}) =>
    createPlain({ url, identityToken: () => 'jwt', retryBaseMs: 1, clock: () => now, ...options })
  const ask = (client: ReturnType<typeof open>, signal?: AbortSignal) =>
    client.call('listTeams', { query: {} }, signal ? { signal } : {})

  it('is exchanged once, for all calls', async () => {
    const client = open()
    await Promise.all([ask(client), ask(client), ask(client)])
    await ask(client)
    assert.deepEqual(log, ['exchange jwt', ...Array.from({ length: 4 }, () => 'GET st_1')])
  })

  it('is asked for anew, and exchanged again, before the access token ends', async () => {
    let asked = 0
    const client = open({ identityToken: async () => ` jwt-${(asked += 1)}\n` })
    await ask(client)
    now += 719_000
    await ask(client)
    now += 2000
    await ask(client)
    assert.deepEqual(log, ['exchange jwt-1', 'GET st_1', 'GET st_1', 'exchange jwt-2', 'GET st_2'])
  })

  it('need not be had again while the access token is good, but after it must', async () => {
    const client = open({ retries: 0 })
    await ask(client)
    exchangeFault = (response) =>
      Boolean(response.writeHead(503).end('{"error":"x","error_description":"later"}'))
    now += 800_000
    await ask(client)
    await ask(client)
    assert.deepEqual(log.slice(2), ['exchange jwt', 'GET st_1', 'GET st_1'])
    now += 101_000
    await assert.rejects(ask(client), (error) => error instanceof TransferError && error.message === 'later')
  })

  it('is exchanged again when the server no longer takes its access token, once', async () => {
    const client = open()
    await ask(client)
    good.clear()
    await Promise.all([ask(client), ask(client)])
    assert.deepEqual(new Set(log.slice(-2)), new Set(['GET st_2']))
    exchangeFault = (response) => Boolean(response.end('{"access_token":"st_bad","expires_in":900}'))
    good.clear()
    log = []
    await assert.rejects(ask(client), { code: 'unauthenticated' })
    assert.deepEqual(log, ['GET st_2', 'exchange jwt', 'GET st_bad'])
  })

  it('that is renewed on the way does not make an absent thing look deleted', async () => {
    const client = open()
    await ask(client)
    good.clear()
    await assert.rejects(client.call('deleteTeam', { params: { team: 'x' } }), { code: 'not_found' })
  })

  it('that is not taken fails at once, with what the server says; what passes is tried again', async () => {
    exchangeFault = (response) =>
      Boolean(
        response.writeHead(400).end('{"error":"invalid_grant","error_description":"No rule takes it."}'),
      )
    const refused = await ask(open()).catch((error: unknown) => error)
    assert.ok(refused instanceof SignpostError && refused.code === 'invalid_token')
    assert.equal(refused.message, 'The identity token is not taken: No rule takes it.')
    assert.equal(log.length, 1)
    for (const [status, headers] of [
      [503, {}],
      [429, { 'retry-after': '0' }],
    ] as const) {
      let left = 2
      exchangeFault = (response) =>
        left-- > 0 &&
        Boolean(response.writeHead(status, headers).end('{"error":"x","error_description":"later"}'))
      log = []
      await ask(open())
      assert.equal(log.filter((line) => line === 'exchange jwt').length, 3)
    }
    exchangeFault = (response) => Boolean(response.end('<html>'))
    await assert.rejects(ask(open()), { code: 'bad_reply' })
  })

  it('of a call that is given up: nobody waits for the exchange', async () => {
    exchangeFault = () => true
    const ending = new AbortController()
    const waiting = ask(open(), ending.signal)
    setTimeout(() => ending.abort(), 30)
    await assert.rejects(waiting, { name: 'AbortError' })
  })

  it('goes in place of a key, and is not empty', async () => {
    assert.throws(() => open({ token: 'sp_x' }), { code: 'invalid', field: 'identityToken' })
    await assert.rejects(ask(open({ identityToken: () => '\n' })), { code: 'invalid' })
    assert.deepEqual(log, [])
  })

  it('in Node is read from its file, anew each time', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'signpost-sdk-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'token')
    const client = createNode({ url, identityToken: { file }, retries: 0, clock: () => now })
    t.after(() => client.close())
    await assert.rejects(ask(client), {
      code: 'invalid',
      message: `identityToken: ${file} cannot be read (ENOENT)`,
    })
    writeFileSync(file, 'first\n')
    await ask(client)
    writeFileSync(file, 'second\n')
    now += 800_000
    await ask(client)
    assert.deepEqual(log, ['exchange first', 'GET st_1', 'exchange second', 'GET st_2'])
  })
})
