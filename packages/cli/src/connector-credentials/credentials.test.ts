import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectorSettings } from '@signpost/contract'
import { connectorSettings, type ConnectorFlags, type ShownSettings } from '../connector-settings.ts'
import { credentialTypes } from './flags.ts'
import type { SecretSources } from './secret.ts'

const keyFile = JSON.stringify({ client_email: 'a@b.example', private_key: 'pem' })
const arn = 'arn:aws:iam::123456789012:role/signer'
const token = { file: 'tokens/oidc' }

function sources(env: Record<string, string> = {}): SecretSources {
  return {
    env,
    readSecret: async (file) => ({ 'key.json': keyFile, 'key.b64': 'a2V5' })[file] ?? `from ${file}`,
    ask: undefined,
  }
}
const s3: ConnectorFlags = { kind: 's3', bucket: 'b', region: 'r' }
const gcs: ConnectorFlags = { kind: 'gcs', bucket: 'b' }
const azure: ConnectorFlags = { kind: 'azure', bucket: 'b', account: 'acct' }
const application: ConnectorFlags = { ...azure, tenantId: 't', clientId: 'c' }

const credentialOf = async (flags: ConnectorFlags, env = {}, before?: ShownSettings) =>
  ConnectorSettings.parse(await connectorSettings('n', flags, sources(env), before)).credential

test('options make every type of credential that the contract knows', async () => {
  const cases: [ConnectorFlags, Record<string, unknown>][] = [
    [
      { ...s3, accessKeyId: 'A', secretAccessKeyFile: 'f' },
      { type: 'static', accessKeyId: 'A', secretAccessKey: 'from f' },
    ],
    [
      { ...s3, accessKeyId: 'A', secretFrom: 'env:SIGNPOST_SECRET_X' },
      { type: 'static', accessKeyId: 'A', secretAccessKey: { env: 'SIGNPOST_SECRET_X' } },
    ],
    [{ ...s3, credentialType: 'environment' }, { type: 'environment' }],
    [
      { ...s3, profile: 'signer' },
      { type: 'environment', profile: 'signer' },
    ],
    [
      { ...s3, roleArn: arn, externalId: 'us', durationSeconds: '7200', sourceIdentity: 'no' },
      {
        type: 'assumeRole',
        roleArn: arn,
        externalId: 'us',
        durationSeconds: 7200,
        sourceIdentity: false,
        perRequester: true,
        source: { type: 'environment' },
      },
    ],
    [
      { ...s3, roleArn: arn, accessKeyId: 'A', secretAccessKeyFile: 'f', perRequester: 'no' },
      {
        type: 'assumeRole',
        roleArn: arn,
        sourceIdentity: true,
        perRequester: false,
        source: { type: 'static', accessKeyId: 'A', secretAccessKey: 'from f' },
      },
    ],
    [
      { ...s3, credentialType: 'federationToken', accessKeyId: 'A', secretAccessKeyFile: 'f' },
      { type: 'federationToken', accessKeyId: 'A', secretAccessKey: 'from f', perRequester: true },
    ],
    [
      { ...s3, organizationId: 'org', secretFrom: 'file:tokens/oidc' },
      { type: 'coreweaveOidc', organizationId: 'org', token },
    ],
    [
      { ...gcs, serviceAccountKeyFile: 'key.json' },
      { type: 'serviceAccountKey', clientEmail: 'a@b.example', privateKey: 'pem' },
    ],
    [
      { ...gcs, hmacAccessId: 'GOOG', hmacSecretFile: 'f' },
      { type: 'hmacKey', accessId: 'GOOG', secret: 'from f' },
    ],
    [
      { ...gcs, serviceAccount: 'a@b.example', teamServiceAccount: ['ml=c@d.example'] },
      {
        type: 'impersonation',
        serviceAccount: 'a@b.example',
        source: { type: 'metadata' },
        teamServiceAccounts: [{ team: 'ml', serviceAccount: 'c@d.example' }],
      },
    ],
    [
      { ...gcs, serviceAccount: 'c@d.example', serviceAccountKeyFile: 'key.json' },
      {
        type: 'impersonation',
        serviceAccount: 'c@d.example',
        source: { type: 'serviceAccountKey', clientEmail: 'a@b.example', privateKey: 'pem' },
      },
    ],
    [
      { ...azure, accountKeyFile: 'key.b64' },
      { type: 'accountKey', accountKey: 'a2V5' },
    ],
    [
      { ...application, clientSecretFile: 'f' },
      { type: 'clientSecret', tenantId: 't', clientId: 'c', clientSecret: 'from f' },
    ],
    [
      { ...application, credentialType: 'workloadIdentity', secretFrom: 'file:tokens/oidc' },
      { type: 'workloadIdentity', tenantId: 't', clientId: 'c', token },
    ],
    [{ ...azure, credentialType: 'managedIdentity' }, { type: 'managedIdentity' }],
  ]
  for (const [flags, expected] of cases) assert.deepEqual(await credentialOf(flags), expected)
  const made = new Set(cases.map(([, { type }]) => type))
  assert.deepEqual(made, new Set(Object.values(credentialTypes).flat()))
})

test('the types are those of the contract', () => {
  for (const [kind, types] of Object.entries(credentialTypes)) {
    const settings = ConnectorSettings.options.find((one) => one.shape.kind.value === kind)!
    const known = settings.shape.credential.options.map((one) => one.shape.type.value)
    assert.deepEqual(new Set<string>(known), new Set<string>(types))
  }
})

test('who runs the command is not who assumes the role: its own variables stay out', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'MINE', AWS_SECRET_ACCESS_KEY: 'mine', AWS_SESSION_TOKEN: 'mine' }
  const credential = await credentialOf({ ...s3, roleArn: arn }, env)
  assert.doesNotMatch(JSON.stringify(credential), /mine/i)
  const other = { ...s3, roleArn: arn, accessKeyId: 'A' }
  await assert.rejects(credentialOf(other, env), /give --secret-access-key-file FILE .* or --secret-from/)
})

test('a change keeps what is there: the role, the references, the other addresses', async () => {
  const before = {
    ...s3,
    name: 'n',
    audiences: [{ name: 'inside', endpoint: 'https://10.0.0.1' }],
    credential: {
      type: 'assumeRole',
      roleArn: arn,
      externalId: 'us',
      perRequester: true,
      sourceIdentity: false,
      durationSeconds: 7200,
      source: {
        type: 'static',
        accessKeyId: { env: 'SIGNPOST_SECRET_ID' },
        secretAccessKey: { env: 'SIGNPOST_SECRET_X' },
      },
    },
  }
  const changed = ConnectorSettings.parse(
    await connectorSettings('n', { marker: 'pseudonym' }, sources(), before),
  )
  assert.deepEqual(changed.credential, before.credential)
  assert.deepEqual(changed.audiences, before.audiences)
  const renamed = await credentialOf({ externalId: 'them', sourceIdentity: 'yes' }, {}, before)
  assert.deepEqual(renamed, { ...before.credential, externalId: 'them', sourceIdentity: true })
  const own = await credentialOf({ credentialType: 'environment' }, {}, before)
  assert.deepEqual(own, { type: 'environment' })
  const profile = await credentialOf({ profile: 'signer' }, {}, before)
  assert.deepEqual(profile, { ...before.credential, source: { type: 'environment', profile: 'signer' } })
})

test('a change of identities that hold no secret asks for none', async () => {
  for (const [flags, type] of [
    [s3, 'environment'],
    [azure, 'managedIdentity'],
  ] as const) {
    const before = { ...flags, name: 'n', credential: { type } }
    assert.deepEqual(await credentialOf({ marker: 'pseudonym' }, {}, before), { type })
  }
})

test('a change does not drop the service accounts of teams unsaid, since they are not shown', async () => {
  const credential = { type: 'impersonation', serviceAccount: 'a@b.example', source: { type: 'metadata' } }
  const before = { ...gcs, name: 'n', credential }
  await assert.rejects(credentialOf({ marker: 'pseudonym' }, {}, before), /--team-service-account none/)
  assert.deepEqual(await credentialOf({ teamServiceAccount: ['none'] }, {}, before), credential)
})

test('what does not fit is said by its option, and no secret is repeated', async () => {
  const cases: [ConnectorFlags, RegExp][] = [
    [{ ...s3, credentialType: 'hmacKey' }, /--credential-type of kind s3 is one of static, environment/],
    [{ ...s3, credentialType: 'assumeRole' }, /needs --role-arn/],
    [{ ...s3, credentialType: 'coreweaveOidc' }, /needs --organization-id/],
    [{ ...s3, organizationId: 'o' }, /give --oidc-token-file FILE/],
    [{ ...s3, accessKeyId: 'A', secretFrom: 'hidden-secret' }, /--secret-from takes env:/],
    [{ ...s3, roleArn: arn, durationSeconds: '1h' }, /--duration-seconds takes a whole number/],
    [s3, /--access-key-id .*--role-arn/],
    [{ ...gcs, credentialType: 'impersonation' }, /needs --service-account/],
    [{ ...gcs, serviceAccount: 'a@b.example', teamServiceAccount: ['ml'] }, /TEAM=EMAIL/],
    [{ ...gcs, credentialType: 'hmacKey' }, /needs --hmac-access-id/],
    [{ ...azure, credentialType: 'workloadIdentity' }, /needs --tenant-id and --client-id/],
  ]
  for (const [flags, expected] of cases)
    await assert.rejects(
      credentialOf(flags),
      (error: Error) => expected.test(error.message) && !error.message.includes('hidden-secret'),
      JSON.stringify(flags),
    )
})
