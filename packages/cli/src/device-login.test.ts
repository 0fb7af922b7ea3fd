/** `signpost login --browser` with a server that answers well, late or badly. The good way is in `tests/e2e/login.test.ts`. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openShell } from './testing/run-command.ts'

const token = `st_000000000000_${'x'.repeat(43)}`

type Answers = Record<string, (response: ServerResponse, count: number) => void>

async function serve(t: TestContext, answers: Answers) {
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const count = (counts.get(path) ?? 0) + 1
    counts.set(path, count)
    request.resume().on('end', () => (answers[path] ?? ((other) => json(other, {}, 404)))(response, count))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const begun = (change: object = {}) => ({
  device_code: 'device',
  user_code: 'BCDF-GHJK',
  verification_uri: 'https://signpost.example/device',
  verification_uri_complete: 'https://signpost.example/device?user_code=BCDF-GHJK',
  expires_in: 30,
  interval: 1,
  ...change,
})

const good: Answers = {
  '/oidc/device_authorization': (response) => json(response, begun()),
  '/v1/me': (response) =>
    json(response, {
      id: 'id',
      kind: 'user',
      username: 'alice',
      organisationRole: 'member',
      organisationPermissions: [],
      apiKeyId: 'k',
      keyKind: 'accessToken',
      keyScope: null,
      teams: [],
    }),
}

async function login(t: TestContext, answers: Answers, args: string[] = ['--browser']) {
  const url = await serve(t, { ...good, ...answers })
  const shell = openShell(t, {})
  const file = join(shell.folder, '.config/signpost/config.json')
  const ran = await shell.run(['login', url, ...args])
  return { ...ran, kept: existsSync(file) ? readFileSync(file, 'utf8') : undefined }
}

test('waits for the confirmation, through failures that pass, and keeps the token', async (t) => {
  const { code, stdout, stderr, kept } = await login(t, {
    '/oidc/token': (response, count) => {
      if (count === 1) json(response, { error: 'authorization_pending' }, 400)
      else if (count === 2) response.destroy()
      else if (count === 3) json(response, { error: 'server_error' }, 500)
      else if (count === 4) response.writeHead(502).end('<html>')
      else json(response, { access_token: token, token_type: 'Bearer', expires_in: 43_200 })
    },
  })
  assert.equal(code, 0, stderr)
  assert.match(
    stderr,
    /^Open https:\/\/signpost\.example\/device\?user_code=BCDF-GHJK\nand confirm there the code BCDF-GHJK\. /,
  )
  assert.match(stdout, /as alice; kept in .*, good until \d{4}-/)
  assert.equal((stdout + stderr).includes(token), false)
  assert.ok(kept?.includes(token))
})

test('slows down when it is told to', async (t) => {
  const begin = performance.now()
  const { code } = await login(t, {
    '/oidc/token': (response, count) =>
      count === 1
        ? json(response, { error: 'slow_down' }, 400)
        : json(response, { access_token: token, token_type: 'Bearer', expires_in: 60 }),
  })
  assert.equal(code, 0)
  assert.ok(performance.now() - begin > 6500)
})

test('what the server says no to is said, and nothing is kept', async (t) => {
  const cases: [Answers, RegExp][] = [
    [
      {
        '/oidc/token': (response) =>
          json(response, { error: 'access_denied', error_description: 'Refused\u001b[2J.' }, 400),
      },
      /^signpost: Refused\S*\. \(unauthenticated\)$/m,
    ],
    [{ '/oidc/token': (response) => json(response, {}) }, /the login was refused/],
    [
      { '/oidc/token': (response) => json(response, { access_token: 7, expires_in: 'x' }) },
      /the login was refused/,
    ],
    [
      {
        '/oidc/device_authorization': (response) => json(response, begun({ expires_in: 2 })),
        '/oidc/token': (response) => json(response, { error: 'authorization_pending' }, 400),
      },
      /nobody confirmed the login in time/,
    ],
    [
      {
        '/oidc/device_authorization': (response) =>
          json(response, { code: 'rate_limited', detail: 'Wait.' }, 429),
      },
      /Wait\./,
    ],
    [
      { '/oidc/device_authorization': (response) => json(response, {}, 409) },
      /nobody logs in .* by a browser: give an API key/,
    ],
    [{ '/oidc/device_authorization': (response) => json(response, {}, 404) }, /give an API key/],
  ]
  const all = await Promise.all(cases.map(([answers]) => login(t, answers)))
  for (const [index, { code, stderr, kept }] of all.entries()) {
    const [, expected] = cases[index]!
    assert.notEqual(code, 0)
    assert.match(stderr, expected)
    assert.equal(stderr.includes('\u001b'), false)
    assert.equal(kept, undefined)
  }
})

test('a server names a page and nothing else, and sends the code nowhere else', async (t) => {
  for (const uri of ['javascript:alert(1)', 'file:///etc/passwd', '--version', '', '$(touch x)', 7]) {
    const answers: Answers = {
      '/oidc/device_authorization': (response) => json(response, begun({ verification_uri_complete: uri })),
    }
    const { code, stderr } = await login(t, answers)
    assert.notEqual(code, 0, String(uri))
    assert.match(stderr, /names no page/)
  }
  const { code } = await login(t, {
    '/oidc/device_authorization': (response) =>
      response.writeHead(307, { location: 'https://evil.example' }).end(),
  })
  assert.notEqual(code, 0)
})

test('one way at a time', async (t) => {
  const { code, stderr } = await login(t, {}, ['--browser', '--key'])
  assert.equal(code, 2)
  assert.match(stderr, /one of --browser, --key/)
})

test('Ctrl-C ends the waiting, and nothing is kept', async (t) => {
  const url = await serve(t, {
    ...good,
    '/oidc/token': (response) => json(response, { error: 'authorization_pending' }, 400),
  })
  const shell = openShell(t, {})
  const terminal = shell.start(['login', url, '--browser'])
  await new Promise<void>((resolve) => {
    terminal.stderr!.on('data', (chunk) => {
      if (String(chunk).includes('Waiting')) resolve()
    })
  })
  terminal.kill('SIGINT')
  const { code, stderr } = await terminal.ended
  assert.equal(code, 130, stderr)
  assert.doesNotMatch(stderr, /\n\s+at /)
  assert.equal(existsSync(join(shell.folder, '.config/signpost/config.json')), false)
})
