import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { azureAddress } from './address.ts'
import { bytes } from './bytes.ts'
import { azureAccess } from './credential.ts'
import { azureError } from './error.ts'
import { openAzure } from './open.ts'
import type { Run } from './operate.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

test('a read that breaks off fails by name; one that nobody goes on with harms nobody', async (t) => {
  const server = createServer((request, response) => {
    if (request.url?.includes('page')) return void response.writeHead(403).end('<html>internal</html>')
    response.writeHead(206, { 'content-length': '100', 'content-range': 'bytes 0-99/100', etag: '"e"' })
    response.write('some', () => setTimeout(() => response.destroy(), 20))
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
  await open.read!('broken')
  await sleep(300)
  await assert.rejects(
    async () => {
      for await (const chunk of await open.read!('broken')) assert.ok(chunk.byteLength > 0)
    },
    { code: 'bucket_unreachable', message: /broke the connection off/ },
  )
  await assert.rejects(open.read!('page'), (error: Error) => {
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /internal/)
    return true
  })
  open.close()
})

test('a blob too large for one call is copied by Azure itself, and the answer waited for', async (t) => {
  const azurite = await startTrusted()
  t.after(azurite.stop)
  const settings = settingsOf(azurite, { type: 'accountKey', accountKey: azurite.accountKey })
  const address = azureAddress(settings)
  const access = azureAccess(settings, address, { clock: Date.now })
  const { account, bucket } = settings
  const run: Run = async (call) => {
    try {
      const service = await access.service()
      return await call(service.getContainerClient(bucket), AbortSignal.timeout(30_000))
    } catch (error) {
      throw azureError(error, { bucket: `${account}/${bucket}`, host: address.host })
    }
  }
  const { copy } = bytes({ run, settings, address, access, clock: Date.now }, 3)
  const open = openAzure(settings, { clock: Date.now })
  await open.put('from', Buffer.from('four'))
  await copy({ bucket, key: 'from', sizeBytes: 4 }, 'größe/to')
  assert.equal((await open.head('größe/to'))?.sizeBytes, 4)
  await assert.rejects(copy({ bucket, key: 'nowhere', sizeBytes: 4 }, 'to'), { code: 'not_found' })
  await assert.rejects(copy({ bucket: 'elsewhere', key: 'from', sizeBytes: 4 }, 'to'))
  assert.equal(await open.head('to'), null)
  open.close()
})
