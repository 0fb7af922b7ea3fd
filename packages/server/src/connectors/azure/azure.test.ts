import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { SignpostError } from '@signpost/contract'
import type { Azurite } from '../../../../../tests/servers/azurite.ts'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startEntra } from '../../../../../tests/servers/entra.ts'
import { connectorContract, type ContractTarget } from '../connector-contract.ts'
import { testScope } from '../test-scope.ts'
import type { AzureSettings } from './credential.ts'
import { openAzure } from './open.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

connectorContract('azure with an account key', { skip: false }, async () => {
  const azurite = await startTrusted()
  const wrong = Buffer.alloc(64, 1).toString('base64')
  return targetOf(
    azurite,
    { type: 'accountKey', accountKey: azurite.accountKey },
    { type: 'accountKey', accountKey: wrong },
    azurite.stop,
  )
})

connectorContract('azure with an application’s secret', { skip: false }, async () => {
  const azurite = await startTrusted()
  const entra = await startEntra(azurite)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  return targetOf(
    azurite,
    { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost },
    { type: 'clientSecret', tenantId, clientId, clientSecret: 'not-the-secret', authorityHost },
    async () => {
      await entra.stop()
      await azurite.stop()
    },
  )
})

test('one token and one user delegation key do for many URLs', async () => {
  const azurite = await startTrusted()
  const entra = await startEntra(azurite)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  const credential = { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost } as const
  const open = openAzure(settingsOf(azurite, credential), { clock: Date.now })
  await Promise.all(
    Array.from({ length: 20 }, async () => open.signer(testScope({ until: Date.now() + 3_600_000 }))),
  )
  assert.ok(!(open.signer(testScope({ until: Date.now() + 86_400_000 })) instanceof Promise), 'at once')
  assert.equal(entra.tokensIssued(), 1)
  open.close()
  await entra.stop()
  await azurite.stop()
})

test('an Entra that is not there makes the credential unavailable, and is named', async () => {
  const azurite = await startTrusted()
  const host = `127.0.0.1:${await freePort()}`
  const credential = {
    type: 'clientSecret',
    tenantId: randomUUID(),
    clientId: randomUUID(),
    clientSecret: 'not-to-be-shown',
    authorityHost: `https://${host}`,
  } as const
  const open = openAzure(settingsOf(azurite, credential), { clock: Date.now })
  await assert.rejects(
    async () => open.signer(testScope()),
    (error: SignpostError) => {
      assert.equal(error.code, 'credential_unavailable')
      assert.ok(error.message.includes(host), error.message)
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /not-to-be-shown/)
      return true
    },
  )
  open.close()
  await azurite.stop()
})

async function targetOf(
  azurite: Azurite,
  credential: AzureSettings['credential'],
  wrong: AzureSettings['credential'],
  stop: () => Promise<void>,
): Promise<ContractTarget> {
  const settings = settingsOf(azurite, credential)
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: wrong },
    unreachable: { ...settings, endpoint: `https://127.0.0.1:${await freePort()}` },
    stop,
  }
}
