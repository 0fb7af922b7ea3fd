import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserDelegationKey } from '@signpost/signing'
import type { SignRequest } from '../../domain/connector.ts'
import { azureAddress } from './address.ts'
import type { AzureSettings } from './credential.ts'
import { signAzure } from './sign.ts'

const settings: AzureSettings = {
  kind: 'azure',
  name: 'az',
  bucket: 'team-vision',
  account: 'visionstore',
  marker: 'uuid',
  credential: { type: 'clientSecret', tenantId: 't', clientId: 'c', clientSecret: 's' },
}
const key: UserDelegationKey = {
  signedObjectId: 'oid',
  signedTenantId: 'tid',
  signedStartsOn: '2026-11-23T09:00:00Z',
  signedExpiresOn: '2026-11-29T09:00:00Z',
  signedService: 'b',
  signedVersion: '2025-11-05',
  value: 'a2V5',
}
const request: SignRequest = {
  action: 'write',
  method: 'PUT',
  key: 'a/b.txt',
  signedAt: Date.UTC(2026, 10, 23, 9, 30),
  expiresAt: Date.UTC(2026, 10, 23, 9, 31),
  marker: {
    username: 'ana@example.com',
    pseudonym: '9d1c4f0e-4a53-4b5e-9f3a-0a1b2c3d4e5f',
    scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b',
    grantId: '0190a1b2-0000-7000-8000-000000000001',
  },
}

function sign(more: Partial<SignRequest> = {}, over: Partial<AzureSettings> = {}, isService = false) {
  const all = { ...settings, ...over }
  const signed = signAzure(
    { settings: all, address: azureAddress(all) },
    isService ? { type: 'accountKey', accountKey: 'a2V5' } : { type: 'userDelegation', key },
    { ...request, ...more },
  )
  return { ...signed, query: new URL(signed.url).searchParams }
}

test('a key that Azure takes for another one, without the dots at the end of a segment, is signed for nobody', () => {
  for (const name of ['a/secret./plan', 'a/secret.../plan', 'a./plan', 'a/plan.'])
    for (const more of [{ action: 'read', method: 'GET' }, { method: 'PUT' }, { method: 'DELETE' }] as const)
      assert.throws(() => sign({ ...more, key: name }), { code: 'invalid_key' }, name)
  sign({ key: '.a/..b/c.d/e..f' })
})

test('each action gets the least permission that does it', () => {
  const permissions = [
    sign({ action: 'read', method: 'GET' }),
    sign({ action: 'read', method: 'HEAD' }),
    sign(),
    sign({ createOnly: true }),
    sign({ method: 'DELETE' }),
    sign({ part: { storeUploadId: '0123456789abcdef', partNumber: 7 } }),
  ].map(({ query }) => query.get('sp'))
  assert.deepEqual(permissions, ['r', 'r', 'cw', 'c', 'd', 'w'])
})

test('the URL ends at its second, has no start, and takes https only where the endpoint does', () => {
  const { query, url } = sign()
  assert.ok(url.startsWith('https://visionstore.blob.core.windows.net/team-vision/a/b.txt?'))
  assert.equal(query.get('se'), '2026-11-23T09:31:00Z')
  assert.equal(query.get('st'), null)
  assert.equal(query.get('sv'), '2025-11-05')
  assert.equal(query.get('spr'), 'https')
  const plain = sign({}, { endpoint: 'http://127.0.0.1:10000' })
  assert.equal(plain.query.get('spr'), 'https,http')
  assert.ok(plain.url.startsWith('http://127.0.0.1:10000/visionstore/team-vision/a/b.txt?'))
})

test('an endpoint that names the account in its host has no account in the path', () => {
  const endpoint = 'https://visionstore.privatelink.blob.core.windows.net'
  assert.ok(sign({}, { endpoint }).url.startsWith(`${endpoint}/team-vision/`))
})

test('scid holds what the connector says, and a service SAS holds none', () => {
  const { marker } = request
  assert.equal(sign().marker, marker.scid)
  assert.equal(sign().query.get('scid'), marker.scid)
  assert.equal(sign({}, { marker: 'pseudonym' }).query.get('scid'), marker.pseudonym)
  assert.equal(sign({}, { marker: 'random' }).query.get('scid'), marker.grantId)
  for (const signed of [sign({}, { marker: 'none' }), sign({}, {}, true)]) {
    assert.equal(signed.marker, null)
    assert.equal(signed.query.get('scid'), null)
  }
})

test('a username that is no GUID is refused as a marker, with the fix', () => {
  assert.throws(() => sign({}, { marker: 'username' }), {
    code: 'unsupported_by_store',
    message: /set the connector's marker to uuid/,
  })
  const username = marker('0f8fad5b-d9cb-469f-a165-70867728950e')
  assert.equal(sign({ marker: username }, { marker: 'username' }).marker, username.username)
})

test('what a SAS cannot hold a client to is looked at afterwards, and the blob says whose it is', () => {
  const { headers, enforcement } = sign({
    contentType: 'text/csv',
    contentLength: 5,
    checksum: { algorithm: 'md5', value: 'qqo=' },
    createOnly: true,
  })
  assert.deepEqual(enforcement, {
    contentType: 'verified-after',
    contentLength: 'verified-after',
    checksum: 'verified-after',
    createOnly: 'storage',
  })
  assert.deepEqual(headers, {
    'x-ms-blob-type': 'BlockBlob',
    'x-ms-blob-content-type': 'text/csv',
    'content-md5': 'qqo=',
    'if-none-match': '*',
    'x-ms-meta-signpost_grant': request.marker.grantId,
  })
})

test('what the policy sets are headers, and the encryption scope is in the SAS', () => {
  const writes = { storageClass: 'Cool', kmsKeyId: 'scope-1', tags: { a: 'b c' }, metadata: { origin: 'x' } }
  const signed = sign({ writes })
  assert.deepEqual(signed.enforcement, {
    storageClass: 'verified-after',
    kmsKeyId: 'storage',
    tags: 'verified-after',
    metadata: 'verified-after',
  })
  assert.equal(signed.headers['x-ms-access-tier'], 'Cool')
  assert.equal(signed.headers['x-ms-encryption-scope'], 'scope-1')
  assert.equal(signed.headers['x-ms-tags'], 'a=b%20c')
  assert.equal(signed.headers['x-ms-meta-origin'], 'x')
  assert.deepEqual([signed.query.get('ses'), signed.query.get('sp')], ['scope-1', 'cwt'])
  const part = sign({ writes, part: { storeUploadId: '0123456789abcdef', partNumber: 7 } })
  assert.deepEqual(part.headers, { 'x-ms-encryption-scope': 'scope-1' })
  assert.deepEqual(part.enforcement, { kmsKeyId: 'storage' })
  assert.equal(sign({ method: 'DELETE', writes }).query.get('ses'), null)
})

test('there are no forms', () => {
  assert.throws(() => sign({ method: 'POST' }), { code: 'unsupported_by_store', field: 'method' })
})

test('a part is a block that no ETag comes back for', () => {
  const signed = sign({ part: { storeUploadId: '0123456789abcdef', partNumber: 7 } })
  assert.equal(signed.query.get('comp'), 'block')
  assert.equal(Buffer.from(signed.query.get('blockid')!, 'base64').toString(), '0123456789abcdef-00007')
  assert.equal(signed.etagExpected, false)
  assert.deepEqual(signed.headers, {})
  assert.equal(sign().etagExpected, undefined)
})

function marker(username: string) {
  return { ...request.marker, username }
}
