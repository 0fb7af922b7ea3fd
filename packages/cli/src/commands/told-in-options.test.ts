/** What the server says of fields, a command says of its options; and nothing is not said by silence. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openShell } from '../testing/run-command.ts'

const details: Readonly<Record<string, string>> = {
  '/v1/alerts': 'url: must be https, unless allowInternal is set.',
  '/v1/audit-sinks': 'settings.url: must be https, unless allowInternal is set.',
  '/v1/log-sources': 'settings.reader: there is no connector nope.',
  '/v1/audit-retention': 'trailDays: must be at least 30.',
}
const kept = { trailDays: null, accessLogDays: null, unparsedDays: null }

async function openStandIn(t: Parameters<typeof openShell>[0]) {
  const server = createServer((request, response) => {
    request.resume()
    const isJson = request.method === 'GET'
    if (request.url?.endsWith('/data')) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      return void response.end(request.url.includes('alice') ? '{"kind":"event","data":{}}\n' : '')
    }
    if (isJson) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(kept))
    }
    const detail = details[request.url ?? '']
    const problem = {
      type: 'urn:signpost:error:invalid',
      title: 'Invalid',
      status: 400,
      code: 'invalid',
      detail,
    }
    response.writeHead(400, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ ...problem, requestId: 'r' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return openShell(t, { SIGNPOST_URL: `http://127.0.0.1:${port}`, SIGNPOST_TOKEN: 'sp_x' })
}

test('a refused field is called by its option', async (t) => {
  const { run } = await openStandIn(t)
  const cases: [string[], string][] = [
    [
      ['alert', 'add', 'x', '--to', 'http://a.example'],
      '--to: must be https, unless you give --allow-internal.',
    ],
    [
      ['audit', 'sink', 'add', 'x', '--webhook', 'http://a.example'],
      '--webhook or --otlp: must be https, unless you give --allow-internal.',
    ],
    [
      ['logs', 'source', 'add', 'x', '--bucket', 'nope', '--format', 'minio'],
      '--bucket: there is no connector nope.',
    ],
    [['audit', 'retention', 'set', '--trail', '3d'], '--trail: must be at least 30.'],
  ]
  for (const [args, expected] of cases) {
    const { code, stderr } = await run(args)
    assert.equal(code, 2, args.join(' '))
    assert.ok(stderr.startsWith(`signpost: ${expected} (invalid`), stderr)
  }
})

test('that nothing is known of a name is said, and only then', async (t) => {
  const { run } = await openStandIn(t)
  const nobody = await run(['person', 'data', 'alcie'])
  assert.deepEqual([nobody.code, nobody.stdout], [0, ''])
  assert.match(nobody.stderr, /nothing is known of alcie: is the name spelt so\?/)
  const known = await run(['person', 'data', 'alice'])
  assert.deepEqual([known.code, known.stdout, known.stderr], [0, '{"kind":"event","data":{}}\n', ''])
  const file = await run(['person', 'data', 'alice', '--output', 'alice.ndjson'])
  assert.equal(file.stdout, '1 lines in alice.ndjson\n')
})
