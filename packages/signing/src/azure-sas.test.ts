import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { azureSas } from './azure-sas.ts'
import { azureBlobUrl } from './azure-url.ts'
import { SigningInputError } from './errors.ts'
import { explainAzureUrl } from './explain.ts'
import type { AzureSasRequest } from './types.ts'

const service: AzureSasRequest = {
  account: 'trainingdata',
  container: 'runs',
  blob: 'a/model.bin',
  permissions: 'r',
  credential: { type: 'accountKey', accountKey: 'AAECAwQFBgcICQ==' },
  version: '2025-11-05',
  expiresAt: Date.UTC(2026, 10, 23, 1),
}

const delegationKey = {
  signedObjectId: '11111111-aaaa-4111-8111-111111111111',
  signedTenantId: '22222222-bbbb-4222-8222-222222222222',
  signedStartsOn: '2026-11-23T00:00:00Z',
  signedExpiresOn: '2026-11-29T00:00:00Z',
  signedService: 'b',
  signedVersion: '2025-11-05',
  value: 'AAECAwQFBgcICQ==',
}
const correlationId = '9750dcc2-516e-5ea0-8a26-54fa6ff6986b'
const delegation: AzureSasRequest = {
  ...service,
  credential: { type: 'userDelegation', key: delegationKey },
  correlationId,
}

suite('azureSas', () => {
  test('signs 16 lines with an account key', () => {
    const { stringToSign } = azureSas(service)
    const signed = 'r||2026-11-23T01:00:00Z|/blob/trainingdata/runs/a/model.bin||||2025-11-05|b|||||||'
    assert.equal(stringToSign, signed.replaceAll('|', '\n'))
  })

  test('signs 24 lines with a user delegation key, 26 from version 2025-07-05 on, scid on the 13th', () => {
    const linesOf = (version: string) => azureSas({ ...delegation, version }).stringToSign.split('\n')
    assert.equal(linesOf('2020-12-06').length, 24)
    assert.equal(linesOf('2025-05-05').length, 24)
    assert.equal(linesOf('2025-07-05').length, 26)
    assert.equal(linesOf('2025-11-05').length, 26)
    assert.equal(linesOf('2020-12-06')[12], correlationId)
    assert.equal(linesOf('2025-11-05')[12], correlationId)
  })

  test('signs a container when no blob is named', () => {
    const { blob: _, ...container } = service
    const { stringToSign, token } = azureSas({ ...container, permissions: 'rl' })
    assert.equal(stringToSign.split('\n')[3], '/blob/trainingdata/runs')
    assert.match(token, /&sr=c&sp=rl&/)
  })

  test('any change to a field of the token changes the string to sign', () => {
    const { token, stringToSign } = azureSas({
      ...delegation,
      ipRange: '10.0.0.1',
      protocol: 'https',
      startsAt: Date.UTC(2026, 10, 23),
    })
    const url = azureBlobUrl({
      origin: 'https://trainingdata.blob.core.windows.net',
      container: 'runs',
      blob: 'a/model.bin',
      sas: token,
    })
    assert.equal(explainAzureUrl(url).stringToSign, stringToSign)
    for (const pair of token.split('&').filter((text) => !text.startsWith('sig='))) {
      const other = url.replace(pair, `${pair.slice(0, -1)}${pair.endsWith('0') ? '1' : '0'}`)
      assert.notEqual(explainAzureUrl(other).stringToSign, stringToSign, pair)
    }
    assert.notEqual(explainAzureUrl(url.replace('model', 'modem')).stringToSign, stringToSign)
  })
})

suite('azureBlobUrl', () => {
  test('puts the account in the path for Azurite, and operation parameters before the token', () => {
    const url = azureBlobUrl({
      origin: 'http://127.0.0.1:10000',
      account: 'devstoreaccount1',
      container: 'runs',
      blob: 'a b/ü+%',
      sas: 'sv=2025-11-05&sig=x',
      query: { comp: 'block', blockid: 'AA+/' },
    })
    assert.equal(
      url,
      'http://127.0.0.1:10000/devstoreaccount1/runs/a%20b/%C3%BC%2B%25?comp=block&blockid=AA%2B%2F&sv=2025-11-05&sig=x',
    )
  })

  test('refuses parameters that belong to the token, and blob names that URL clients would change', () => {
    const request = { origin: 'https://a.blob.core.windows.net', container: 'c', blob: 'b', sas: 'sv=1' }
    for (const name of ['sig', 'SP', 'se', 'scid'])
      assert.throws(() => azureBlobUrl({ ...request, query: { [name]: 'x' } }), SigningInputError)
    assert.throws(() => azureBlobUrl({ ...request, blob: 'a/../b' }), SigningInputError)
    assert.throws(() => azureBlobUrl({ ...request, origin: 'https://a.example/' }), SigningInputError)
  })
})

suite('azureSas refuses, naming the field', () => {
  const refused: [why: string, field: string, request: AzureSasRequest][] = [
    ['scid on a service SAS, where it would be unsigned', 'correlationId', { ...service, correlationId }],
    [
      'an scid that is no lower-case GUID',
      'correlationId',
      { ...delegation, correlationId: correlationId.toUpperCase() },
    ],
    ['permissions out of order', 'permissions', { ...service, permissions: 'wr' }],
    ['a permission twice', 'permissions', { ...service, permissions: 'rr' }],
    ['a permission of containers on a blob', 'permissions', { ...service, permissions: 'rl' }],
    ['no permission at all', 'permissions', { ...service, permissions: '' }],
    ['a version before ses', 'version', { ...service, version: '2020-10-02' }],
    ['a version with a layout that it does not know', 'version', { ...service, version: '2026-04-06' }],
    ['a start after the end', 'startsAt', { ...service, startsAt: service.expiresAt }],
    ['an end after the key', 'expiresAt', { ...delegation, expiresAt: Date.UTC(2026, 10, 30) }],
    ['a stored policy with a user delegation key', 'identifier', { ...delegation, identifier: 'policy' }],
    [
      'a line break in a response header',
      'response.contentType',
      { ...service, response: { contentType: 'a\nb' } },
    ],
    ['an IPv6 address', 'ipRange', { ...service, ipRange: '::1' }],
    ['a container name with a slash', 'container', { ...service, container: 'a/b' }],
    ['an account name with a dot', 'account', { ...service, account: 'a.b' }],
    ['a blob with a ".." segment', 'blob', { ...service, blob: '../x' }],
    [
      'a key that is not base64',
      'credential.accountKey',
      { ...service, credential: { type: 'accountKey', accountKey: 'no base64!' } },
    ],
  ]
  for (const [why, field, request] of refused) {
    test(why, () => {
      assert.throws(
        () => azureSas(request),
        (error) => error instanceof SigningInputError && error.field === field,
      )
    })
  }
})
