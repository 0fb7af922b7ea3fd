import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectorSettings } from '@signpost/contract'
import { connectorSettings, type ConnectorFlags, type SecretSources } from './connector-settings.ts'

const keyFile = JSON.stringify({ client_email: 'a@b.example', private_key: 'pem' })
function sources(env: Record<string, string> = {}): SecretSources {
  return {
    env,
    readSecret: async (file) => (file === 'key.json' ? keyFile : `from ${file}`),
    ask: undefined,
  }
}
const s3: ConnectorFlags = { kind: 's3', bucket: 'b', region: 'r', accessKeyId: 'AKIA' }

test('the settings of every kind are what the contract takes', async () => {
  const all: [ConnectorFlags, string][] = [
    [{ ...s3, secretAccessKeyFile: 'f' }, 'static'],
    [{ kind: 'gcs', bucket: 'b', serviceAccountKeyFile: 'key.json' }, 'serviceAccountKey'],
    [{ kind: 'gcs', bucket: 'b', hmacAccessId: 'GOOG', hmacSecretFile: 'f' }, 'hmacKey'],
    [
      { kind: 'azure', bucket: 'b', account: 'acct', tenantId: 't', clientId: 'c', clientSecretFile: 'f' },
      'clientSecret',
    ],
  ]
  for (const [flags, type] of all) {
    const settings = ConnectorSettings.parse(await connectorSettings('n', flags, sources()))
    assert.equal(settings.credential.type, type)
  }
  const azure: ConnectorFlags = { kind: 'azure', bucket: 'b', account: 'acct' }
  const settings = await connectorSettings('n', azure, sources({ AZURE_STORAGE_KEY: 'a2V5' }))
  assert.deepEqual(ConnectorSettings.parse(settings).credential, { type: 'accountKey', accountKey: 'a2V5' })
})

test('the environment gives a secret only for its own key id', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'env', AWS_SESSION_TOKEN: 'session' }
  const settings = await connectorSettings('n', s3, sources(env))
  assert.deepEqual(settings.credential, {
    type: 'static',
    accessKeyId: 'AKIA',
    secretAccessKey: 'env',
    sessionToken: 'session',
  })
  await assert.rejects(
    connectorSettings('n', { ...s3, accessKeyId: 'OTHER' }, sources(env)),
    /give --secret-access-key-file FILE/,
  )
})

test('what is missing is named by its flag', async () => {
  await assert.rejects(connectorSettings('n', {}, sources()), /--kind/)
  await assert.rejects(
    connectorSettings('n', { ...s3, secretAccessKeyFile: 'f', region: undefined! }, sources()),
    /--region/,
  )
  await assert.rejects(
    connectorSettings('n', { kind: 'gcs', bucket: 'b' }, sources()),
    /--service-account-key-file/,
  )
  await assert.rejects(
    connectorSettings('n', { kind: 'gcs', bucket: 'b', serviceAccountKeyFile: 'other' }, sources()),
    (error: Error) => /no key file/.test(error.message) && !error.message.includes('from other'),
  )
})

test('a change keeps what is there and takes the secret anew', async () => {
  const before = {
    name: 'n',
    kind: 's3',
    bucket: 'b',
    region: 'r',
    endpoint: 'https://s3.example',
    addressing: 'path',
    marker: 'pseudonym',
    credential: { type: 'static', accessKeyId: 'AKIA' },
  }
  const settings = await connectorSettings('n', { secretAccessKeyFile: 'f' }, sources(), before)
  assert.deepEqual(settings, { ...before, credential: { ...before.credential, secretAccessKey: 'from f' } })
})

test('a whole credential comes from a file as the API takes it, and is not repeated when it is none', async () => {
  const credential = { type: 'static', accessKeyId: 'AKIA', secretAccessKey: { env: 'SIGNPOST_SECRET_B' } }
  const given = (text: string): SecretSources => ({ ...sources(), readSecret: async () => text })
  const flags: ConnectorFlags = { kind: 's3', bucket: 'b', region: 'r', credentialFile: '-' }
  const settings = await connectorSettings('n', flags, given(JSON.stringify(credential)))
  assert.deepEqual(ConnectorSettings.parse(settings).credential, credential)
  for (const text of ['hidden', '"hidden"', '["hidden"]', 'null'])
    await assert.rejects(
      connectorSettings('n', flags, given(text)),
      (error: Error) =>
        /is no credential: it must be a JSON object/.test(error.message) && !/hidden/.test(error.message),
    )
})

test('a store of one’s own is addressed by path unless told; AWS and CoreWeave by host', async () => {
  const addressingFor = async (flags: ConnectorFlags) =>
    (
      (await connectorSettings(
        'n',
        { kind: 's3', bucket: 'b', region: 'r', accessKeyId: 'A', secretAccessKeyFile: 'f', ...flags },
        sources(),
      )) as { addressing?: string }
    ).addressing
  assert.equal(await addressingFor({ endpoint: 'https://s3.example' }), 'path')
  assert.equal(await addressingFor({ endpoint: 'https://s3.example', addressing: 'virtual' }), 'virtual')
  assert.equal(await addressingFor({ endpoint: 'https://cwobject.com' }), undefined)
  assert.equal(await addressingFor({}), undefined)
})
