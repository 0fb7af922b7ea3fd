/** Clients as people have them, led to a bucket by `/o/{team}/{key}`: none is told how Signpost works. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createSignpost } from '@signpost/sdk/node'
import { openShell } from '../../packages/cli/src/testing/run-command.ts'
import { findProgram } from '../servers/daemon.ts'
import { requireServer } from '../servers/install.ts'
import { startPostgres } from '../servers/postgres.ts'
import { ceph, local, type Store } from './move/stores.ts'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'
import { openRedirectWorld, runClient, writeNetrc, type RedirectWorld } from './redirect-world.ts'

const path = '/o/vision/data/a%20b%2Bc%252F%26%C3%BC.bin'

async function allClients(t: TestContext, store: Store): Promise<void> {
  const world = await openRedirectWorld(t, store)
  const { url, token, folder, data, seen } = world
  const bearer = ['-H', `Authorization: Bearer ${token}`]
  const curl = async (...args: string[]) => runClient(folder, 'curl', ['-sSL', ...args])

  await t.test('curl: GET, HEAD, ranges, names to save under', async () => {
    const got = await curl(...bearer, url + path)
    assert.deepEqual(got.stdout, data, got.stderr)
    const basic = await curl('-u', `anybody:${token}`, url + path)
    assert.deepEqual(basic.stdout, data)
    const range = await curl(...bearer, '-r', '100-199', url + path)
    assert.deepEqual(range.stdout, data.subarray(100, 200))
    const head = (await curl(...bearer, '-I', url + path)).stdout.toString()
    assert.match(head, /HTTP\/1\.1 307[\s\S]*HTTP\/1\.1 200[\s\S]*content-length: 300000/i)
    const named = await curl(
      ...bearer,
      '-D',
      '-',
      '-o',
      '/dev/null',
      `${url + path}?download=r%C3%A9sum%C3%A9.bin`,
    )
    assert.match(named.stdout.toString(), /content-disposition: attachment;.*UTF-8''r%C3%A9sum%C3%A9\.bin/i)
    assertNoKeySeen(world)
  })

  await t.test(
    'curl: PUT, small and so large that it asks first; no byte of it goes to Signpost',
    async () => {
      const acl = ['-H', 'x-amz-acl: private']
      const put = async (bytes: Buffer, ...more: string[]) => {
        writeFileSync(join(folder, 'up.bin'), bytes)
        const args = ['-w', '%{http_code} %{num_redirects} %{size_upload}', '-T', 'up.bin', ...more]
        return (await curl(...bearer, ...args, `${url}/o/vision/up/new.bin`)).stdout.toString()
      }
      const small = randomBytes(1000)
      assert.match(await put(small, ...acl), /^200 1 /)
      assert.deepEqual((await curl(...bearer, `${url}/o/vision/up/new.bin`)).stdout, small)
      const large = randomBytes(20 * 2 ** 20)
      assert.match(await put(large, ...acl), /^200 1 /)
      assert.deepEqual((await curl(...bearer, `${url}/o/vision/up/new.bin`)).stdout, large)
      assert.match(await put(small, ...acl, '-H', 'if-none-match: *'), /412 1 |409 1 /)
      assert.match(await put(small), /x-amz-acl: private.*422 0 /s)
      assert.match(await put(small, ...acl, '-H', 'transfer-encoding: chunked'), /length_required.*411 0 /s)
      assertNoKeySeen(world)
    },
  )

  await t.test('wget, once it is asked for a password', { skip: skipWithout('wget') }, async () => {
    const { stdout, stderr } = await runClient(folder, 'wget', [
      '-q',
      '-O-',
      '--user=signpost',
      `--password=${token}`,
      url + path,
    ])
    assert.deepEqual(stdout, data, stderr)
    assertNoKeySeen(world)
  })

  await t.test(
    'requests: bearer, .netrc, ranges, writing',
    { skip: await skipWithoutPython('requests') },
    async () => {
      writeNetrc(folder, token)
      const { code, stdout, stderr } = await runClient(folder, 'python3', ['-c', requestsProgram], {
        BASE: url,
        OBJECT: path,
        TOKEN: token,
      })
      assert.equal(code, 0, stderr)
      assert.equal(stdout.toString().trim(), '300000 300000 100 200 200 411')
      assertNoKeySeen(world)
    },
  )

  await t.test(
    'fsspec: reads by ranges, lists',
    { skip: await skipWithoutPython('fsspec', 'aiohttp') },
    async () => {
      const { code, stdout, stderr } = await runClient(folder, 'python3', ['-c', fsspecProgram], {
        BASE: url,
        OBJECT: path,
        TOKEN: token,
      })
      assert.equal(code, 0, stderr)
      assert.equal(stdout.toString().trim(), '300000 50 one.txt')
      assertNoKeySeen(world)
    },
  )

  await t.test('fetch of Node: reads, and writes what can be sent twice', async () => {
    const headers = { authorization: `Bearer ${token}` }
    const got = await fetch(url + path, { headers: { ...headers, range: 'bytes=0-9' } })
    assert.equal(got.status, 206)
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), data.subarray(0, 10))
    const put = await fetch(`${url}/o/vision/up/node.bin`, {
      method: 'PUT',
      headers: { ...headers, 'x-amz-acl': 'private' },
      body: new Blob(['from node']),
    })
    assert.equal(put.status, 200, await put.text())
    assertNoKeySeen(world)
  })

  await t.test('rclone: lists and copies a folder', { skip: requireServer('rclone').skip }, async () => {
    const args = ['--http-url', `${url}/o/vision/data/`, '--http-headers', `Authorization,Bearer ${token}`]
    const listed = await runClient(folder, 'rclone', [...args, 'lsf', '-R', '--format', 'ps', ':http:'])
    assert.deepEqual(
      listed.stdout.toString().trim().split('\n').toSorted(),
      ['a b+c%2F&ü.bin;300000', 'deep/;-1', 'deep/one.txt;3'],
      listed.stderr,
    )
    const copied = await runClient(folder, 'rclone', [...args, 'copy', ':http:', join(folder, 'copied')])
    assert.equal(copied.code, 0, copied.stderr)
    assert.deepEqual(readFileSync(join(folder, 'copied/a b+c%2F&ü.bin')), data)
    assertNoKeySeen(world)
  })

  await t.test('a share link: made, used, listed and revoked by the command', async () => {
    const shell = openShell(t, { SIGNPOST_URL: world.server.url, SIGNPOST_TOKEN: token })
    const made = await shell.run([
      'link',
      'create',
      'sp://vision/data/deep/',
      '--uses',
      '2',
      '--note',
      'for tests',
    ])
    assert.equal(made.code, 0, made.stderr)
    const link = made.stdout.trim()
    const [, id] = /\/o\/vision\/data\/deep\/\?share=sl_([0-9a-z]{12})_/.exec(link) ?? []
    assert.ok(id, link)
    const index = (await curl(link)).stdout.toString()
    const href = /href="(\.\/one\.txt[^"]*)"/.exec(index)?.[1]
    assert.ok(href, index)
    const object = new URL(href, link).href
    assert.equal((await curl(object)).stdout.toString(), 'one')
    assert.match((await shell.run(['link', 'list', 'vision'])).stdout, /sp:\/\/vision\/data\/deep\/ .*1 of 2/)
    assert.equal((await curl(object)).stdout.toString(), 'one')
    assert.match((await curl(object)).stdout.toString(), /"code":"not_found"/)
    assert.equal((await shell.run(['link', 'revoke', 'vision', id])).code, 0)
    assert.match((await curl(link)).stdout.toString(), /"code":"not_found"/)
    const { items } = await world.admin.call('listAuditEvents', { query: { limit: 1000 } })
    const uses = items
      .map(({ event }) => event)
      .filter((event) => event.apiKeyId === id && event.decision === 'allow')
    assert.deepEqual(
      uses.map(({ type, username, keyKind }) => [type, username, keyKind]),
      [
        ['url.issue', 'demo-user', 'shareLink'],
        ['url.issue', 'demo-user', 'shareLink'],
        ['object.list', 'demo-user', 'shareLink'],
      ],
    )
    // Neither the token of a link, nor where a redirect leads, is in the log or in an event.
    const secret = /share=(\S+)/.exec(link)![1]!
    for (const text of [world.server.errors(), world.server.output(), JSON.stringify(items)]) {
      assert.ok(!text.includes(secret.slice(-43)))
      assert.ok(!text.includes('X-Amz-Signature='))
    }
    assert.ok(world.server.errors().includes('"operation":"redirect"'))
    assert.ok(seen.every(({ headers }) => !JSON.stringify(headers).includes('sl_')))
  })
}

/** What is for Signpost stays with Signpost: a client that follows leaves it behind at another host. */
function assertNoKeySeen({ seen, token }: RedirectWorld): void {
  assert.ok(seen.length > 0)
  for (const { headers } of seen) {
    assert.equal(headers.authorization, undefined)
    assert.ok(!JSON.stringify(headers).includes(token))
  }
  seen.length = 0
}

function skipWithout(program: string): string | false {
  return findProgram(program) === undefined ? `${program} is not installed` : false
}

async function skipWithoutPython(...modules: string[]): Promise<string | false> {
  if (findProgram('python3') === undefined) return 'python3 is not installed'
  const { code } = await runClient('/', 'python3', ['-c', `import ${modules.join(', ')}`])
  return code === 0 ? false : `python3 has no ${modules.join(', ')}`
}

const requestsProgram = `
import os, requests
base, path, key = os.environ['BASE'], os.environ['OBJECT'], os.environ['TOKEN']
bearer = {'Authorization': 'Bearer ' + key}
one = requests.get(base + path, headers=bearer, auth=lambda r: r)
two = requests.get(base + path)  # .netrc
part = requests.get(base + path, headers={'Range': 'bytes=0-99'})
acl = {'x-amz-acl': 'private'}
put = requests.put(base + '/o/vision/up/py.bin', data=b'x' * 100000, headers=acl)
empty = requests.put(base + '/o/vision/up/empty.bin', data=b'', headers={**acl, 'Content-Length': '0'})
chunks = requests.put(base + '/o/vision/up/chunks.bin', data=(b'x' for _ in range(3)), headers=acl)
print(len(one.content), len(two.content), len(part.content), put.status_code, empty.status_code, chunks.status_code)
`

const fsspecProgram = `
import os, fsspec
base, path, key = os.environ['BASE'], os.environ['OBJECT'], os.environ['TOKEN']
fs = fsspec.filesystem('http', client_kwargs={'headers': {'Authorization': 'Bearer ' + key}}, encoded=True)
with fs.open(base + path, block_size=1000) as f:
    f.seek(1000)
    part = f.read(50)
names = fs.ls(base + '/o/vision/data/deep/', detail=False)
print(fs.info(base + path)['size'], len(part), names[-1].rsplit('/', 1)[-1])
`

test('on the embedded store', async (t) => allClients(t, await local(t)))

test('on Ceph', requireServer('rgw'), async (t) => allClients(t, await ceph(t)))

test(
  'two replicas on PostgreSQL give no more uses of a link than it has',
  requireServer('postgres'),
  async (t) => {
    const postgres = await startPostgres()
    t.after(postgres.stop)
    const shared = {
      SIGNPOST_DATABASE_URL: postgres.url,
      SIGNPOST_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
      SIGNPOST_RATE_LIMIT_FAILED_AUTH_PER_MINUTE: '0',
      SIGNPOST_LOG_LEVEL: 'error',
    }
    const env: Record<string, string> = { ...(await freshEnvironment(t)), ...shared }
    const first = await startServer(t, env)
    await untilPrinted(first, 'Ctrl-C')
    const other = { ...(await freshEnvironment(t)), ...shared, SIGNPOST_LOCAL_STORE: 'off' }
    const second = await startServer(t, other)
    const token = readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', 'demo-token'), 'utf8').trim()
    const member = createSignpost({ url: first.url, token })
    t.after(() => member.close())
    const asked = { params: { team: 'demo' }, body: { key: 'a', usesMax: 5 } }
    const made = await member.call('createShareLink', asked)
    const { pathname, search } = new URL(made.url ?? '')
    const use = async (index: number) => {
      const { url } = index % 2 === 0 ? first : second
      const response = await fetch(url + pathname + search, { redirect: 'manual' })
      await response.arrayBuffer()
      return response.status
    }
    const statuses = await Promise.all(Array.from({ length: 60 }, (_, index) => use(index)))
    assert.deepEqual(new Set(statuses), new Set([307, 404]))
    assert.equal(statuses.filter((status) => status === 307).length, 5)
    const { items } = await member.call('listShareLinks', { params: { team: 'demo' }, query: {} })
    assert.equal(items[0]?.uses, 5)
  },
)
