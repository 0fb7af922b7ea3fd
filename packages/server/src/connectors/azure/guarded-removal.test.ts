import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { openAzure } from './open.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

test('a removal that is bound to one write takes no snapshots with it: they are of others', async (t) => {
  const azurite = await startTrusted()
  t.after(azurite.stop)
  const { account, accountKey } = azurite
  const settings = settingsOf(azurite, { type: 'accountKey', accountKey })
  const open = openAzure(settings, { clock: Date.now })
  t.after(() => open.close())
  const owner = new BlobServiceClient(
    azurite.blobEndpoint,
    new StorageSharedKeyCredential(account, accountKey),
  )
  const blob = owner.getContainerClient(settings.bucket).getBlockBlobClient('kept')
  await open.put('kept', Buffer.from('good'))
  const { snapshot } = await blob.createSnapshot()
  await open.put('kept', Buffer.from('bad, written over it'))
  const etag = (await open.head('kept'))!.etag!
  await assert.rejects(open.remove('kept', { etag }), { code: 'conflict', message: /snapshots/ })
  assert.equal((await blob.withSnapshot(snapshot!).downloadToBuffer()).toString(), 'good')
  assert.equal((await blob.downloadToBuffer()).toString(), 'bad, written over it')
  // Who deletes the object as such deletes all of it, as before.
  await open.remove('kept')
  assert.equal(await open.head('kept'), null)
  // And without snapshots it is removed as it was.
  await open.put('plain', Buffer.from('bad'))
  await open.remove('plain', { etag: (await open.head('plain'))!.etag! })
  assert.equal(await open.head('plain'), null)
})
