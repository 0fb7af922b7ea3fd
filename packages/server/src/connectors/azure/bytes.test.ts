import assert from 'node:assert/strict'
import { test } from 'node:test'
import { azureAddress } from './address.ts'
import { bytes } from './bytes.ts'
import { azureAccess } from './credential.ts'
import { azureError } from './error.ts'
import { openAzure } from './open.ts'
import type { Run } from './operate.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

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
