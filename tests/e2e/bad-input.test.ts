/** Bad input gets a clear problem+json within a second: the code, the field, the rule; never a stack, a secret or half a change. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Problem } from '@signpost/contract'
import { inTime } from '../in-time.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

interface Answer {
  status: number
  type: string
  body: string
  problem: Problem
}

const s3 = {
  kind: 's3',
  name: 'x',
  bucket: 'bucket',
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:9',
  addressing: 'path',
  credential: { type: 'static', accessKeyId: 'AK', secretAccessKey: 'do-not-show-this' },
}
const url = '/v1/teams/demo/urls'

/** What -> [method, path, body, status, code, what the sentence must name]. */
const asMember: Record<string, [string, string, unknown, number, string, RegExp]> = {
  'an unknown field': ['POST', url, { action: 'read', key: 'a', expires: 5 }, 400, 'invalid', /expires/],
  'a wrong type': ['POST', url, { action: 'read', key: 5 }, 400, 'invalid', /key/],
  'a missing field': ['POST', url, { key: 'a' }, 400, 'invalid', /action/],
  'an unknown action': ['POST', url, { action: 'own', key: 'a' }, 400, 'invalid', /action/],
  'a negative size': [
    'POST',
    url,
    { action: 'write', key: 'a', contentLength: -1 },
    400,
    'invalid',
    /contentLength/,
  ],
  'a fraction of a second': [
    'POST',
    url,
    { action: 'read', key: 'a', expiresInSeconds: 1.5 },
    400,
    'invalid',
    /expiresInSeconds/,
  ],
  'an expiry beyond policy, exactly': [
    'POST',
    url,
    { action: 'read', key: 'a', expiresInSeconds: 3601, expiryMode: 'exact' },
    400,
    'expiry_not_possible',
    /3600/,
  ],
  'a header in the content type': [
    'POST',
    url,
    { action: 'write', key: 'a', contentType: 'text/plain\r\nx-evil: 1' },
    400,
    'invalid',
    /contentType/,
  ],
  'JSON that is none': ['POST', url, '{"action": ', 400, 'invalid', /JSON/],
  'a body that is an array': ['POST', url, [], 400, 'invalid', /./],
  'no body': ['POST', url, '', 400, 'invalid', /./],
  '10,001 items': [
    'POST',
    `${url}/batch`,
    { items: Array.from({ length: 10_001 }, () => ({ action: 'read', key: 'a' })) },
    400,
    'too_many_items',
    /10,?000/,
  ],
  'no items': ['POST', `${url}/batch`, { items: [] }, 400, 'invalid', /items/],
  'an upload that does not exist': [
    'GET',
    '/v1/teams/demo/uploads/0190a000-0000-7000-8000-000000000001',
    undefined,
    404,
    'not_found',
    /./,
  ],
  'part number 0': [
    'POST',
    '/v1/teams/demo/uploads/x/parts',
    { partNumbers: [0] },
    400,
    'invalid',
    /partNumbers/,
  ],
  'an upload of negative size': [
    'POST',
    '/v1/teams/demo/uploads',
    { key: 'a', sizeBytes: -5 },
    400,
    'invalid',
    /sizeBytes/,
  ],
  'a cursor that is none': [
    'GET',
    '/v1/teams/demo/members?cursor=%00evil',
    undefined,
    400,
    'invalid',
    /cursor/,
  ],
  'a limit of a million': ['GET', '/v1/teams?limit=1000000', undefined, 400, 'invalid', /limit/],
  'an unknown parameter': ['GET', '/v1/teams?sort=name', undefined, 400, 'invalid', /sort/],
  'an address that does not exist': ['GET', '/v1/nothing', undefined, 404, 'not_found', /./],
  'a method that an address does not take': ['PUT', '/v1/teams', {}, 405, 'method_not_allowed', /./],
  'what only admins may do': ['POST', '/v1/teams', { name: 'mine' }, 403, 'forbidden', /./],
}
/** Keys -> the rule that the sentence names. */
const badKeys: Record<string, RegExp> = {
  'a/../b': /\.\./,
  '..': /\.\./,
  './a': /"\."|`\.`|'\.'|\.\b|\./,
  '/a': /begin|\//,
  'a/': /end|empty/,
  'a\u0000b': /control|NUL/,
  'a\nb': /control/,
  'a\\b': /backslash/i,
  '': /empty/,
  '\ud800': /UTF-8|surrogate|well-formed/i,
  [`${'é'.repeat(510)}`]: /1,?024/,
}
const asAdmin: Record<string, [string, string, unknown, number, string, RegExp]> = {
  'a connector of an unknown kind': [
    'POST',
    '/v1/connectors',
    { settings: { ...s3, kind: 'ftp' } },
    400,
    'invalid',
    /kind/,
  ],
  'a connector with a credential in its endpoint': [
    'POST',
    '/v1/connectors',
    { settings: { ...s3, endpoint: 'https://AK:do-not-show-this@host' } },
    400,
    'invalid',
    /endpoint/,
  ],
  'a connector without a secret': [
    'POST',
    '/v1/connectors',
    { settings: { ...s3, credential: { type: 'static', accessKeyId: 'AK' } } },
    400,
    'invalid',
    /secretAccessKey/,
  ],
  'a connector whose private key is none': [
    'POST',
    '/v1/connectors',
    {
      settings: {
        kind: 'gcs',
        name: 'g',
        bucket: 'bucket',
        credential: { type: 'serviceAccountKey', clientEmail: 'a@b', privateKey: 'do-not-show-this' },
      },
    },
    400,
    'invalid',
    /privateKey/,
  ],
  'a bucket where nothing listens': [
    'POST',
    '/v1/connectors',
    { settings: s3 },
    502,
    'bucket_unreachable',
    /127\.0\.0\.1/,
  ],
  'a team name with blanks': ['POST', '/v1/teams', { name: 'two words' }, 400, 'invalid', /name/],
  "a team with the prefix of another's": [
    'POST',
    '/v1/teams',
    { name: 'rival', prefix: 'demo/inside/' },
    409,
    'conflict',
    /prefix/,
  ],
  'the last admin stopped': ['PATCH', '/v1/users/admin', { active: false }, 409, 'conflict', /admin/],
  'a user that exists': [
    'POST',
    '/v1/users',
    { username: 'demo-user' },
    409,
    'conflict',
    /username|demo-user|exists/,
  ],
}

test('bad input', async (t) => {
  const env: Record<string, string> = await freshEnvironment(t)
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const read = (name: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', name), 'utf8').trim()
  const tokens = { admin: read('admin-token'), member: read('demo-token') }
  const ask = async (
    token: string,
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      body: text,
      problem: safeJson(text),
    }
  }

  /** Refused, and that in time: a second, and slack for a machine that is busy with other tests. */
  async function check(
    asking: () => Promise<Answer>,
    status: number,
    code: string,
    names: RegExp,
  ): Promise<Answer> {
    const answer = await inTime(3000, asking)
    assert.equal(answer.status, status, answer.body)
    assert.match(answer.type, /^application\/problem\+json/)
    assert.equal(answer.problem.code, code, answer.body)
    assert.match(answer.problem.detail, names)
    assert.equal(answer.problem.status, status)
    assert.ok(answer.problem.requestId)
    assert.doesNotMatch(answer.body, /\bat .*\.ts:\d|node:internal|do-not-show-this/)
    return answer
  }

  for (const [who, table] of [
    ['member', asMember],
    ['admin', asAdmin],
  ] as const) {
    for (const [what, [method, path, body, status, code, names]] of Object.entries(table)) {
      await t.test(`${what}: ${status} ${code}`, async () => {
        await check(() => ask(tokens[who], method, path, body), status, code, names)
      })
    }
  }
  for (const [key, rule] of Object.entries(badKeys)) {
    await t.test(`the object key ${JSON.stringify(key).slice(0, 20)} is refused by its rule`, async () => {
      // A lone surrogate cannot be sent but as an escape.
      const body = JSON.stringify({ action: 'read', key })
      await check(() => ask(tokens.member, 'POST', url, body), 400, 'invalid_key', rule)
    })
  }

  await t.test('an expiry beyond policy is shortened, and the answer says so', async () => {
    const { status, body } = await ask(tokens.member, 'POST', url, {
      action: 'read',
      key: 'a',
      expiresInSeconds: 1_000_000,
    })
    assert.equal(status, 200)
    const { expiresAt, limitedBy } = JSON.parse(body) as { expiresAt: string; limitedBy: string }
    assert.equal(limitedBy, 'policy')
    assert.ok(Date.parse(expiresAt) - Date.now() <= 3_600_000)
  })

  await t.test('a bad item of a batch is its own error line', async () => {
    const items = [
      { action: 'read', key: 'a' },
      { action: 'read', key: '../a' },
      { action: 'read' },
      5,
      { action: 'read', key: 'b' },
    ]
    const { status, body } = await ask(tokens.member, 'POST', `${url}/batch`, { items })
    assert.equal(status, 200)
    const lines = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { index: number; url?: string; error?: Problem })
    assert.deepEqual(
      lines.map(({ index }) => index),
      [0, 1, 2, 3, 4],
    )
    assert.deepEqual(
      lines.map(({ error }) => error?.code),
      [undefined, 'invalid_key', 'invalid', 'invalid', undefined],
    )
  })

  await t.test('a token of another deployment, and every other that is none, get the same 401', async () => {
    const bad = [
      `sp_${'a'.repeat(12)}_${'a'.repeat(43)}`,
      `${tokens.member}x`,
      tokens.member.slice(0, -1),
      'x',
      'eyJhbGciOiJub25lIn0.e30.',
    ]
    const seen = new Set<string>()
    for (const token of bad) {
      const asking = () => ask(token, 'GET', '/v1/me', undefined)
      const answer = await check(asking, 401, 'unauthenticated', /./)
      seen.add(answer.problem.detail)
    }
    assert.equal(seen.size, 1)
  })

  await t.test('a body of 100 MB is refused without being read to its end', () =>
    inTime(3000, async () => {
      const outgoing = request(`${server.url}${url}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokens.member}`,
          'content-type': 'application/json',
          'content-length': 100 * 1024 * 1024,
        },
      })
      outgoing.on('error', () => undefined)
      outgoing.write(Buffer.alloc(64 * 1024, 32))
      const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
      assert.equal(incoming.statusCode, 413)
      outgoing.destroy()
    }),
  )

  await t.test('another content type than JSON is refused', async () => {
    await check(
      () => ask(tokens.member, 'POST', url, 'action=read', { 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
      /json/i,
    )
  })

  await t.test(
    'a bucket that takes the connection and never answers is told within a second, and nothing is saved',
    async (t) => {
      const silent = createServer(() => undefined)
      silent.listen(0, '127.0.0.1')
      await once(silent, 'listening')
      t.after(() => silent.close())
      const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
      await check(
        () => ask(tokens.admin, 'POST', '/v1/connectors', { settings: { ...s3, name: 'silent', endpoint } }),
        502,
        'bucket_unreachable',
        /127\.0\.0\.1/,
      )
      assert.equal((await ask(tokens.admin, 'GET', '/v1/connectors/silent', undefined)).status, 404)
    },
  )
})

function safeJson(text: string): Problem {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return {} as Problem
  }
}
