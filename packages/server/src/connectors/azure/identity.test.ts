/** Without a secret: a federated token, and the machine's own identity. Azurite takes the tokens; who gives them is a stand-in. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { SignpostError } from '@signpost/contract'
import type { Azurite } from '../../../../../tests/servers/azurite.ts'
import { freePort } from '../../../../../tests/servers/daemon.ts'
import { startEntra, type Entra } from '../../../../../tests/servers/entra.ts'
import { startImds } from '../../../../../tests/servers/imds.ts'
import { connectorContract } from '../connector-contract.ts'
import { testScope } from '../test-scope.ts'
import type { AzureSettings } from './credential.ts'
import { entraCredential } from './entra.ts'
import { openAzure } from './open.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

type Credential = AzureSettings['credential']

const scope = 'https://storage.azure.com/.default'
// The SDK looks once, at the first token of the process.
const imds = await startImds()
process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = imds.endpoint
after(() => imds.stop())

connectorContract('azure with a federated token', { skip: false }, async () => {
  const azurite = await startTrusted()
  const entra = await startEntra(azurite)
  const settings = settingsOf(azurite, federated(entra, entra.federation.makeToken()))
  const wrong = federated(entra, entra.federation.makeToken({ sub: 'system:serviceaccount:other:other' }))
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: wrong },
    unreachable: { ...settings, endpoint: `https://127.0.0.1:${await freePort()}` },
    stop: async () => {
      await entra.stop()
      await azurite.stop()
    },
  }
})

connectorContract('azure with the machine’s identity', { skip: false }, async () => {
  const azurite = await startTrusted()
  const clientId = randomUUID()
  imds.assign(clientId, azurite.makeToken)
  const settings = settingsOf(azurite, { type: 'managedIdentity', clientId })
  return {
    settings,
    deps: { clock: Date.now, fetch },
    wrongCredential: { ...settings, credential: { type: 'managedIdentity', clientId: randomUUID() } },
    unreachable: { ...settings, endpoint: `https://127.0.0.1:${await freePort()}` },
    stop: azurite.stop,
  }
})

describe('tokens', () => {
  let azurite: Azurite
  let entra: Entra
  before(async () => {
    azurite = await startTrusted()
    entra = await startEntra(azurite)
  })
  after(async () => {
    await entra.stop()
    await azurite.stop()
  })

  const refusedWith = async (credential: Credential): Promise<SignpostError> => {
    const open = openAzure(settingsOf(azurite, credential), { clock: Date.now })
    const error = await Promise.resolve()
      .then(() => open.signer(testScope()))
      .then(
        () => assert.fail('it was given a token'),
        (thrown: unknown) => thrown as SignpostError,
      )
    open.close()
    assert.equal(error.code, 'credential_unavailable', error.message)
    return error
  }

  test('many askers share one exchange of a federated token, with or without a line break at its end', async () => {
    const issued = entra.tokensIssued()
    const credential = federated(entra, `${entra.federation.makeToken()}\n`)
    const open = openAzure(settingsOf(azurite, credential), { clock: Date.now })
    await Promise.all(Array.from({ length: 20 }, async () => open.signer(testScope())))
    await open.ping(60_000)
    assert.equal(entra.tokensIssued(), issued + 1)
    open.close()
  })

  test('each thing that can be wrong with a federated token has its own fix, and the token stays out of it', async () => {
    const { makeToken } = entra.federation
    const cases: [string, RegExp][] = [
      [
        makeToken({ iss: 'https://oidc.example/cluster' }),
        /AADSTS700211\. Fix: the token's issuer .*last slash/,
      ],
      [
        makeToken({ sub: 'system:serviceaccount:x:y' }),
        /AADSTS700213\. Fix: the token's subject .*NAMESPACE:NAME/,
      ],
      [makeToken({ aud: 'sts.amazonaws.com' }), /AADSTS700212\. Fix: .*api:\/\/AzureADTokenExchange/],
      [makeToken({ exp: 1 }), /AADSTS700024\. Fix: the federated token has expired/],
      [`${makeToken().slice(0, -8)}AAAAAAAA`, /AADSTS700027\. Fix: .*published keys/],
      ['not-a-token-at-all', /AADSTS50027\. Fix: .*whole JWT/],
    ]
    for (const [token, expected] of cases) {
      const error = await refusedWith(federated(entra, token))
      assert.match(error.message, expected)
      assert.ok(!`${error.message} ${String(error.cause)}`.includes(token))
    }
  })

  test('Entra’s other refusals are named by number and fix', async () => {
    const cases: [number, RegExp][] = [
      [700016, /not in this tenant: check clientId and tenantId/],
      [70021, /no federated credential matches/],
      [7000229, /az ad sp create/],
      [7000112, /disabled/],
      [90002, /no such tenant/],
      [53003, /Conditional Access/],
      [999999, /check the credential's tenantId/],
    ]
    for (const [code, expected] of cases) {
      entra.refuseNext(code)
      const { message } = await refusedWith(federated(entra, entra.federation.makeToken()))
      assert.match(message, expected)
      assert.ok(message.includes(`AADSTS${code}`), message)
      assert.doesNotMatch(message, /As it was told to/)
    }
  })

  test('a tenant that can be none is refused too', async () => {
    const credential = { ...federated(entra, 'token'), tenantId: 'two words' } as Credential
    assert.match((await refusedWith(credential)).message, /check the credential's tenantId/)
  })

  test('the system-assigned identity needs no id; one that is not assigned is named', async () => {
    assert.match(
      (await refusedWith({ type: 'managedIdentity' })).message,
      /^This machine has no such managed identity\. Fix: assign it to the machine, or check clientId\./,
    )
    imds.assign('', azurite.makeToken)
    const open = openAzure(settingsOf(azurite, { type: 'managedIdentity' }), { clock: Date.now })
    await open.ping(60_000)
    open.close()
  })

  test('an Entra that takes the call and says nothing is given up', async () => {
    const silent = createServer((socket) => void setTimeout(() => socket.destroy(), 600))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const credential = { ...federated(entra, 'token'), authorityHost: `https://127.0.0.1:${port}` }
    const { getToken } = await entraCredential(credential as never, 300)
    await assert.rejects(getToken(scope), {
      code: 'credential_unavailable',
      message: /127\.0\.0\.1:\d+ did not answer in time/,
    })
    silent.close()
  })
})

test('a machine whose identity service is gone is said to have none', async () => {
  await imds.stop()
  const { getToken } = await entraCredential({ type: 'managedIdentity', clientId: randomUUID() })
  await assert.rejects(getToken(scope), {
    code: 'credential_unavailable',
    message: /identity service does not answer\. Fix: run Signpost on Azure/,
  })
})

function federated({ tenantId, clientId, authorityHost }: Entra, token: string): Credential {
  return { type: 'workloadIdentity', tenantId, clientId, token, authorityHost }
}
