import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { ResolvedSettings, SignpostError } from '@signpost/contract'
import { scidOf } from '@signpost/signing'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startGcs, type Gcs } from '../../../../../tests/servers/gcs.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'
import { putAtLoopback } from '../test-loopback.ts'
import { testScope } from '../test-scope.ts'
import { openGcs } from './open.ts'

type GcsSettings = Extract<ResolvedSettings, { kind: 'gcs' }>

const bucket = 'contract'
const deps = { clock: Date.now, fetch }
const put = {
  action: 'write',
  method: 'PUT',
  marker: { username: 'ana', pseudonym: randomUUID(), scid: scidOf('ana'), grantId: randomUUID() },
} as const

connectorContract('gcs with a service account’s key', { skip: false }, async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const stranger = await startGcs()
  await stranger.stop()
  const { clientEmail } = gcs.serviceAccount
  return targetOf(
    gcs,
    { type: 'serviceAccountKey', clientEmail, privateKey: gcs.serviceAccount.privateKeyPem },
    { type: 'serviceAccountKey', clientEmail, privateKey: stranger.serviceAccount.privateKeyPem },
  )
})

connectorContract('gcs with an HMAC key', { skip: false }, async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const { accessId, secret } = gcs.hmacKey
  return targetOf(
    gcs,
    { type: 'hmacKey', accessId, secret },
    { type: 'hmacKey', accessId, secret: 'not-the-secret' },
  )
})

test('a URL at the bucket’s own host works, port and all', async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const credential = { type: 'hmacKey', ...gcs.hmacKey } as const
  const settings = settingsOf(gcs, credential)
  const endpoint = gcs.endpoint.replace('127.0.0.1', 'localhost')
  const open = openGcs({ ...settings, endpoint, addressing: 'virtual' }, deps)
  const signed = await (
    await open.signer(testScope())
  ).sign({ ...put, key: 'virtual.txt', signedAt: Date.now(), expiresAt: Date.now() + 60_000 })
  assert.equal(new URL(signed.url).hostname, `${bucket}.localhost`)
  assert.equal(await putAtLoopback(signed, 'x'), 200)
  assert.equal((await openGcs(settings, deps).head('virtual.txt'))?.sizeBytes, 1)
  await gcs.stop()
})

test('a busy Google is asked a second time, but not to complete an upload twice', async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const calls: string[] = []
  let busy = true
  const sometimes: typeof fetch = async (url, init) => {
    calls.push(init?.method ?? 'GET')
    if (!busy) return fetch(url, init)
    busy = false
    return new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 })
  }
  const open = openGcs(settingsOf(gcs, { type: 'hmacKey', ...gcs.hmacKey }), { ...deps, fetch: sometimes })
  await open.put('busy.txt', Buffer.from('x'))
  assert.deepEqual(calls, ['PUT', 'PUT'])
  busy = true
  const parts = [{ partNumber: 1, sizeBytes: 1, etag: '"x"' }]
  await assert.rejects(open.completeUpload({ key: 'k', storeUploadId: 'u', parts }), {
    code: 'bucket_unreachable',
    message: /SlowDown/,
  })
  assert.deepEqual(calls.slice(2), ['POST'])
  await gcs.stop()
})

test('what is stored packed is read as it is stored, and a copy is packed too', async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  const open = openGcs(settingsOf(gcs, { type: 'hmacKey', ...gcs.hmacKey }), deps)
  const packed = gzipSync('unpacked')
  const signedAt = Date.now()
  const signed = await (
    await open.signer(testScope())
  ).sign({ ...put, key: 'packed.gz', signedAt, expiresAt: signedAt + 60_000 })
  await fetch(signed.url, { method: 'PUT', headers: { 'content-encoding': 'gzip' }, body: packed })
  await open.copy!({ bucket, key: 'packed.gz', sizeBytes: packed.length }, 'copied.gz')
  for (const key of ['packed.gz', 'copied.gz']) {
    const chunks: Uint8Array[] = []
    for await (const chunk of await open.read!(key)) chunks.push(chunk)
    assert.deepEqual(Buffer.concat(chunks), packed, key)
    assert.equal((await open.head(key))?.sizeBytes, packed.length)
  }
  await gcs.stop()
})

test('a read that breaks off in the middle fails by name, and so does one of a page that is no object', async (t) => {
  const server = createServer((request, response) => {
    if (request.url?.includes('broken')) {
      response.writeHead(200, { 'content-length': '100' })
      return void response.write('some', () => response.destroy())
    }
    response.writeHead(403).end('<html>internal</html>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credential = { type: 'hmacKey', accessId: 'GOOG1', secret: 's' } as const
  const open = openGcs({ ...settingsOf({ endpoint }, credential) }, deps)
  // Nobody goes on with this one: it harms nobody.
  await open.read!('broken')
  await sleep(100)
  await assert.rejects(
    async () => {
      for await (const chunk of await open.read!('broken')) assert.ok(chunk.byteLength > 0)
    },
    { code: 'bucket_unreachable', message: /broke the connection off/ },
  )
  await assert.rejects(open.read!('page'), (error: SignpostError) => {
    assert.equal(error.code, 'bucket_refused')
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /internal/)
    return true
  })
})

test('a web site is not taken for Google, and nothing of its pages goes out', async () => {
  const gcs = await startGcs({ buckets: [bucket] })
  for (const [status, page] of [
    [200, '<html><body>internal</body></html>'],
    [200, 'internal'],
    [404, '<html><p>internal'],
    [403, '<Error><Code>some internal sentence</Code></Error>'],
  ] as const) {
    const site: typeof fetch = async () => new Response(page, { status })
    const open = openGcs(settingsOf(gcs, { type: 'hmacKey', ...gcs.hmacKey }), { ...deps, fetch: site })
    await assert.rejects(open.ping(1000), (error: SignpostError) => {
      assert.match(error.code, /bucket_refused|not_found/)
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /internal/)
      return true
    })
  }
  await gcs.stop()
})

async function targetOf(
  gcs: Gcs,
  credential: GcsSettings['credential'],
  wrong: GcsSettings['credential'],
): Promise<ContractTarget> {
  const settings = settingsOf(gcs, credential)
  return {
    settings,
    deps,
    wrongCredential: { ...settings, credential: wrong },
    unreachable: { ...settings, endpoint: `http://127.0.0.1:${await freePort()}` },
    stop: gcs.stop,
  }
}

function settingsOf(gcs: Pick<Gcs, 'endpoint'>, credential: GcsSettings['credential']): GcsSettings {
  return {
    kind: 'gcs',
    name: 'gcs',
    bucket,
    endpoint: gcs.endpoint,
    addressing: 'path',
    marker: 'username',
    credential,
  }
}
