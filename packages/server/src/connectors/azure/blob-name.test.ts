import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openAzure } from './open.ts'
import { settingsOf } from './test-azurite.ts'

/** Azure leaves the dots at the end of a segment out. */
const cut = ['teams/a/secret./plan', 'teams/a/secret.../plan', 'teams/a/plan.', 'teams./a/plan']

test('a key with segments of dots reaches no other folder and no other container: nothing is sent', async (t) => {
  const sent: string[] = []
  const server = createServer((request, response) => {
    sent.push(request.url!.split('?')[0]!)
    request.resume().on('end', () => response.writeHead(201, { etag: '"e"' }).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const blobEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const accountKey = Buffer.alloc(64, 1).toString('base64')
  const settings = settingsOf({ account: 'visionstore', blobEndpoint }, { type: 'accountKey', accountKey })
  const open = openAzure(settings, { clock: Date.now })
  t.after(() => open.close())
  async function* body() {
    yield Buffer.from('x')
  }
  const about = { sizeBytes: 1, contentType: null, metadata: {} }
  const collapsed = ['teams/a/../b/secret', 'teams/a/../../../other/x', 'a/./b', '..', 'a/..\\b/x']
  for (const key of [...collapsed, ...cut]) {
    const refused = { code: 'invalid_key' }
    await assert.rejects(open.put(key, Buffer.from('x')), refused, key)
    await assert.rejects(open.head(key), refused, key)
    await assert.rejects(open.remove(key), refused, key)
    await assert.rejects(open.read!(key), refused, key)
    await assert.rejects(open.write!(key, body(), about), refused, key)
    await assert.rejects(open.copy!({ bucket: 'contract', key: 'k', sizeBytes: 1 }, key), refused, key)
  }
  assert.deepEqual(sent, [])
  await open.put('teams/a/..b/.c/x...y', Buffer.from('x'))
  assert.deepEqual(sent, ['/visionstore/contract/teams/a/..b/.c/x...y'])
})
