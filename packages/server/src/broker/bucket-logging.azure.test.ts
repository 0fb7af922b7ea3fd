/** Azure: what cannot be set from here is said, and one access is seen to arrive in the emulator's log. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { startAzurite, type Azurite } from '../../../../tests/servers/azurite.ts'
import { trust } from '../../../../tests/servers/trust.ts'
import { addSource, arrived, it, plan, worldWith } from './bucket-logging/testing/stores.ts'
import type { LogWorld } from './log-reading/testing/log-world.ts'

describe("a container's log on Azure", () => {
  let azurite: Azurite
  let world: LogWorld
  let distrust: () => void
  before(async () => {
    azurite = await startAzurite()
    distrust = trust(azurite.certificatePem)
    const credential = { type: 'accountKey', accountKey: azurite.accountKey }
    const { account } = azurite
    const endpoint = new URL(azurite.blobEndpoint).origin
    world = await worldWith(
      { kind: 'azure', marker: 'uuid', bucket: 'data', account, endpoint, credential },
      azurite.accessLogFile,
    )
    const key = new StorageSharedKeyCredential(account, azurite.accountKey)
    await new BlobServiceClient(azurite.blobEndpoint, key).createContainer('data')
  })
  after(async () => {
    await world.close()
    distrust()
    await azurite.stop()
  })

  test('cannot be set or read with a credential for blobs, and that is said', async () => {
    const target = { bucket: 'logaccount', prefix: '' }
    const found = await plan(world, { target })
    assert.deepEqual([found.state, found.canApply], ['unknown', false])
    assert.match(found.ways[0]!.documents[0]!.text, /--name logaccount/)
    assert.deepEqual(
      found.ways[0]!.sources.map(({ settings }) => settings.kind === 'bucket' && settings.reader),
      ['insights-logs-storageread', 'insights-logs-storagewrite', 'insights-logs-storagedelete'],
    )
    const asked = { ...it, body: { target, digest: found.digest } }
    const error = await world.refused('applyLogging', world.as.root, asked, 'unsupported_by_store')
    assert.match(error.message, /no setting of the bucket/)
    const same = { target: { bucket: azurite.account, prefix: '' } }
    await world.refused('planLogging', world.as.root, { ...it, body: same }, 'invalid')
  })

  test('verify sees its own access in the log of the emulator, by its scid', async () => {
    await addSource(world, 'azurite', { kind: 'folder', path: basename(azurite.accessLogFile) })
    const made = await world.call('verifyLogging', world.as.root, { ...it, body: {} })
    assert.equal(made.ok, true, JSON.stringify(made.checks))
    const found = await arrived(world, made.access!.grantId)
    assert.equal(found.access?.arrivedIn, 'log')
    assert.ok(['matched', 'likely'].includes(found.access?.finding ?? ''), JSON.stringify(found.checks))
  })
})
