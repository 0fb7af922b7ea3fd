/** `sip`, checked by the strict Azurite: the loopback network has more than one address to come from. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as requestHttps } from 'node:https'
import { after, before, test } from 'node:test'
import { scidOf } from '@signpost/signing'
import type { Azurite } from '../../../../../tests/servers/azurite.ts'
import { startEntra, type Entra } from '../../../../../tests/servers/entra.ts'
import type { SignedRequest } from '../../domain/connector.ts'
import { testScope } from '../test-scope.ts'
import type { AzureSettings } from './credential.ts'
import { openAzure } from './open.ts'
import { settingsOf, startTrusted } from './test-azurite.ts'

let azurite: Azurite
let entra: Entra
let credentials: AzureSettings['credential'][]
before(async () => {
  azurite = await startTrusted()
  entra = await startEntra(azurite)
  const { tenantId, clientId, clientSecret, authorityHost } = entra
  credentials = [
    { type: 'accountKey', accountKey: azurite.accountKey },
    { type: 'clientSecret', tenantId, clientId, clientSecret, authorityHost },
  ]
})
after(async () => {
  await entra.stop()
  await azurite.stop()
})

async function sign(credential: AzureSettings['credential'], networks: string[]): Promise<SignedRequest> {
  const open = openAzure(settingsOf(azurite, credential), { clock: Date.now })
  const signedAt = Math.floor(Date.now() / 1000) * 1000
  const marker = { username: 'ana', pseudonym: randomUUID(), scid: scidOf('ana'), grantId: randomUUID() }
  const signer = await open.signer(testScope({ networks }))
  const key = `${randomUUID()}.txt`
  const expiresAt = signedAt + 60_000
  return signer.sign({ action: 'write', method: 'PUT', key, signedAt, expiresAt, marker, networks })
}

/** Puts from one of this machine's addresses. */
function putFrom(localAddress: string, { url, headers }: SignedRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = requestHttps(
      url,
      {
        method: 'PUT',
        localAddress,
        ca: azurite.certificatePem,
        agent: false,
        headers: { ...headers, 'content-length': 1 },
      },
      (answer) => answer.resume().once('end', () => resolve(answer.statusCode ?? 0)),
    )
    sent.once('error', reject).end('x')
  })
}

test('a URL for one network works from there and from nowhere else', async () => {
  for (const credential of credentials) {
    const one = await sign(credential, ['127.0.0.1'])
    assert.equal(one.enforcement['network'], 'storage')
    assert.equal(await putFrom('127.0.0.1', one), 201)
    assert.equal(await putFrom('127.0.0.2', one), 403)
    const other = await sign(credential, ['127.0.0.2/32'])
    assert.equal(await putFrom('127.0.0.1', other), 403)
    assert.equal(await putFrom('127.0.0.2', other), 201)
    const range = await sign(credential, ['127.0.0.0/30'])
    assert.equal(await putFrom('127.0.0.1', range), 201)
    assert.equal(await putFrom('127.0.0.3', range), 201)
    assert.equal(await putFrom('127.0.0.4', range), 403)
  }
})

test('the network in a URL cannot be widened or taken out', async () => {
  for (const credential of credentials) {
    const signed = await sign(credential, ['127.0.0.2'])
    const url = new URL(signed.url)
    url.searchParams.set('sip', '127.0.0.1')
    assert.equal(await putFrom('127.0.0.1', { ...signed, url: url.href }), 403)
    url.searchParams.delete('sip')
    assert.equal(await putFrom('127.0.0.1', { ...signed, url: url.href }), 403)
  }
})

test('what a SAS has no room for is said to be unenforced', async () => {
  for (const networks of [['127.0.0.2', '127.0.0.3'], ['2001:db8::/32']]) {
    const signed = await sign(credentials[0]!, networks)
    assert.equal(signed.enforcement['network'], 'none')
    assert.equal(new URL(signed.url).searchParams.get('sip'), null)
    assert.equal(await putFrom('127.0.0.1', signed), 201)
  }
})

test('nobody is a network too', async () => {
  const signed = await sign(credentials[0]!, ['192.0.2.255/32'])
  assert.equal(await putFrom('127.0.0.1', signed), 403)
})
