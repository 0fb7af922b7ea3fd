/** Everything that a run leaves behind is searched for what must not be there: signatures, tokens, credentials. */
import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { createSignpost, type Signpost } from '@signpost/sdk'
import { freshEnvironment, startServer, untilPrinted } from './server-process.ts'

/** The files that hold a secret on purpose, each mode 0600. */
const secretFiles = ['admin-token', 'demo-token', 'local-store-credential', 'master-key']

/** Of `sp_<12>_<43>`: the 43, which may hold underscores too. */
const secretOf = (apiKey: string) => apiKey.slice('sp_'.length + 12 + '_'.length)

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Does a bit of everything, and answers each secret that passed by -> what it is. */
async function useEverything(
  admin: Signpost,
  member: Signpost,
  url: string,
  secretsDir: string,
): Promise<Map<string, string>> {
  const secrets = new Map<string, string>()
  const { token } = await admin.call('createApiKey', { body: { name: 'to be found', username: 'demo-user' } })
  secrets.set(secretOf(String(token)), 'the secret half of an API key')
  const signatureOf = (signed: string) => new URL(signed).searchParams.get('X-Amz-Signature') ?? ''

  for (const request of [
    { action: 'write', key: 'a.txt' },
    { action: 'read', key: 'a.txt' },
  ] as const) {
    const issued = await member.url('demo', request)
    secrets.set(signatureOf(issued.url), `the signature of a URL to ${request.action}`)
    await fetch(issued.url, {
      method: issued.method,
      headers: issued.headers,
      ...(request.action === 'write' ? { body: 'x' } : {}),
    })
    await fetch(`${issued.url}0`, { method: issued.method })
  }
  for await (const result of member.urls('demo', [{ action: 'read', key: 'b.txt' }])) {
    if (result.ok) secrets.set(signatureOf(result.url.url), 'the signature of a URL of a batch')
  }
  const upload = await member.call('openUpload', {
    params: { team: 'demo' },
    body: { key: 'c.bin', sizeBytes: 100_000_000 },
  })
  const { parts } = await member.call('signParts', {
    params: { team: 'demo', uploadId: upload.uploadId },
    body: { partNumbers: [1] },
  })
  secrets.set(signatureOf(parts[0]!.url), 'the signature of a part')

  const credential = {
    type: 'static',
    accessKeyId: 'AKSENTINEL',
    secretAccessKey: 'sentinel-secret-access-key',
    sessionToken: 'sentinel-session-token',
  } as const
  secrets
    .set(credential.secretAccessKey, "a connector's secret")
    .set(credential.sessionToken, "a connector's session token")
  const settings = {
    kind: 's3',
    name: 'sentinel',
    bucket: 'nowhere',
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    addressing: 'path',
    credential,
  } as const
  await admin.call('createConnector', { body: { settings, check: false } })
  await admin.call('runDoctor', { params: { connector: 'sentinel' }, body: {} })
  await assert.rejects(
    admin.call('updateConnector', { params: { connector: 'sentinel' }, body: { settings } }),
  )
  await admin.call('createTeam', { body: { name: 'away', connector: 'sentinel' } })
  await admin.call('setMember', { params: { team: 'away', username: 'demo-user' }, body: { role: 'member' } })
  await assert.rejects(async () => {
    for await (const _ of member.list('away')) assert.fail('there is no bucket')
  })
  await useAddressesAndReferences(admin, member, secrets, secretsDir)
  await useTrustRules(admin, url, secrets)
  // Refused tokens, in places where a careless log would keep them.
  const refused = 'sentinelsentinelsentinelsentinelsentinel000'
  const stranger = `sp_${'a'.repeat(12)}_${refused}`
  secrets.set(refused, 'a refused API key')
  await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${stranger}` } })
  await fetch(`${url}/v1/me?token=${stranger}`)
  await fetch(`${url}/v1/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stranger}`, 'content-type': 'application/json' },
    body: `{"x": "${stranger}"`,
  })
  return secrets
}

/** A platform's token that is taken, one that is tried, and ones that are refused, in places where a careless log would keep them. */
async function useTrustRules(admin: Signpost, url: string, secrets: Map<string, string>): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kty: 'RSA', kid: 'k' }] }
  const issuer = 'https://issuer.example'
  await admin.call('createServiceAccount', { body: { username: 'federated' } })
  const conditions = [{ claim: 'sub', equals: 'job' }]
  await admin.call('createTrustRule', {
    body: { name: 'jobs', issuer, jwks, audience: 'x', conditions, username: 'federated' },
  })
  const sign = (sub: string) => {
    const now = Math.floor(Date.now() / 1000)
    const signed = [
      { alg: 'RS256', kid: 'k' },
      { iss: issuer, aud: 'x', sub, exp: now + 300 },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = createSign('sha256').update(signed).sign(privateKey, 'base64url')
    secrets.set(signature, `the signature of the token of ${sub}`)
    return `${signed}.${signature}`
  }
  const exchange = (body: string) =>
    fetch(`${url}/oidc/token`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  const grant = 'grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer'
  const good = sign('job')
  const answer = (await (await exchange(`${grant}&assertion=${good}`)).json()) as { access_token: string }
  secrets.set(secretOf(answer.access_token), 'the secret half of an access token')
  await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${answer.access_token}` } })
  await admin.call('testTrustRules', { body: { token: good } })
  await admin.call('testTrustRules', { body: { token: sign('tested') } })
  await exchange(`${grant}&assertion=${sign('refused')}`)
  await exchange(`${grant}&assertion=${good}&assertion=${good}`)
  await exchange(`grant_type=x&assertion=${good}`)
  await fetch(`${url}/oidc/token?assertion=${good}`, { method: 'POST' })
}

/** Buckets by their addresses, secrets that the server reads by itself, and what is changed of both. */
async function useAddressesAndReferences(
  admin: Signpost,
  member: Signpost,
  secrets: Map<string, string>,
  secretsDir: string,
): Promise<void> {
  const inAddress = 'sentinel/secret+of@address'
  const place = '127.0.0.1:9/nowhere?region=us-east-1&tls=false'
  const address = `s3://AKADDRESS:${encodeURIComponent(inAddress)}@${place}`
  for (const secret of [inAddress, encodeURIComponent(inAddress)])
    secrets.set(secret, 'a secret of an address')
  const made = await admin.call('createConnector', { body: { name: 'addressed', address, check: false } })
  assert.equal(made.address, `s3://${place}`)
  // Refused: the bucket does not answer; the credential is not percent-encoded; a field too many.
  const unencoded = `s3://AKADDRESS:${inAddress}@${place}`
  for (const body of [
    { name: 'refused', address },
    { name: 'refused', address: unencoded },
    { name: 'refused', address, credential: { type: 'static', secretAccessKey: inAddress } },
    { name: 'refused', address: `${address}&key=${encodeURIComponent(inAddress)}` },
  ])
    await assert.rejects(
      admin.call('createConnector', { body }),
      (error: Error) => !error.message.includes('sentinel'),
    )

  const [first, second] = ['sentinel-secret-in-a-file-1', 'sentinel-secret-in-a-file-2'] as const
  secrets.set(first, 'a secret of a file').set(second, 'a renewed secret of a file')
  secrets.set('sentinel-secret-of-the-environment', 'a secret of the environment')
  const file = join(secretsDir, 'key')
  writeFileSync(file, first)
  const referring = (secretAccessKey: object) => ({
    name: 'referring',
    address: `s3://${place}`,
    credential: { type: 'static', accessKeyId: { env: 'SIGNPOST_SECRET_ID' }, secretAccessKey },
    check: false,
  })
  const shown = await admin.call('createConnector', { body: referring({ file: 'key' }) })
  assert.deepEqual(shown.settings['credential'], {
    type: 'static',
    accessKeyId: { env: 'SIGNPOST_SECRET_ID' },
    secretAccessKey: { file: 'key' },
  })
  await admin.call('createConnector', {
    body: { ...referring({ env: 'SIGNPOST_SECRET_STORE' }), name: 'referring-env' },
  })
  await admin.call('createTeam', { body: { name: 'referred', connector: 'referring', prefix: 'referred/' } })
  const alice = { params: { team: 'referred', username: 'demo-user' }, body: { role: 'member' as const } }
  await admin.call('setMember', alice)
  const { url } = await member.url('referred', { action: 'read', key: 'a' })
  secrets.set(new URL(url).searchParams.get('X-Amz-Signature') ?? '', 'a signature by a referenced secret')
  // Looked at within seconds, and not taken: nothing answers there.
  writeFileSync(file, second)
  const refusals = () =>
    admin.call('listAuditEvents', { query: { type: 'connector.credential', decision: 'deny', limit: 10 } })
  const deadline = Date.now() + 120_000
  while ((await refusals()).items.length === 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal((await refusals()).items.length, 1, 'the server looks by itself')
  await admin.call('rotateSecrets', {})
}

test('no signature, token or credential is in the logs, the database, the audit trail, the metrics or the access log', async (t) => {
  const secretsDir = mkdtempSync(join(tmpdir(), 'signpost-secrets-'))
  t.after(() => rmSync(secretsDir, { recursive: true, force: true }))
  const previous = randomBytes(32).toString('base64')
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    SIGNPOST_LOG_LEVEL: 'trace',
    SIGNPOST_SECRETS_DIR: secretsDir,
    SIGNPOST_SECRET_ID: 'AKREFERRED',
    SIGNPOST_SECRET_STORE: 'sentinel-secret-of-the-environment',
    SIGNPOST_MASTER_KEY_PREVIOUS: previous,
  }
  const folder = env['SIGNPOST_DATA_DIR'] ?? ''
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim()
  const adminToken = read('admin-token')
  const client = (token: string) => createSignpost({ url: server.url, token, retries: 0 })
  const secrets = await useEverything(client(adminToken), client(read('demo-token')), server.url, secretsDir)
  secrets.set(previous, 'the master key before this one')
  secrets.set(secretOf(adminToken), "the admin's key")
  secrets.set(secretOf(read('demo-token')), 'the demo key')
  secrets.set(read('master-key'), 'the master key')
  secrets.set(
    (JSON.parse(read('local-store-credential')) as { secretAccessKey: string }).secretAccessKey,
    "the embedded store's secret",
  )
  assert.ok([...secrets.keys()].every((secret) => secret.length >= 20))

  const authorization = `Bearer ${adminToken}`
  const places = new Map<string, Buffer>()
  for (const path of [
    '/v1/audit-events/export',
    '/metrics',
    '/v1/connectors',
    '/v1/connectors/referring',
    '/v1/connectors/addressed',
    '/v1/api-keys?username=demo-user',
    '/v1/teams/demo/uploads',
  ]) {
    places.set(
      path,
      Buffer.from(await (await fetch(server.url + path, { headers: { authorization } })).arrayBuffer()),
    )
  }
  server.kill('SIGTERM')
  assert.equal(await server.ended, 0)
  places.set('standard output', Buffer.from(server.output()))
  places.set('standard error', Buffer.from(server.errors()))
  for (const file of filesBelow(folder)) {
    if (secretFiles.includes(basename(file))) assert.equal(statSync(file).mode & 0o777, 0o600, file)
    else places.set(file.replace(folder, ''), readFileSync(file))
  }
  const found: string[] = []
  for (const [place, content] of places) {
    for (const [secret, what] of secrets) if (content.includes(secret)) found.push(`${what} is in ${place}`)
  }
  assert.deepEqual(found, [])
  assert.ok(
    places.get('/signpost.sqlite')!.includes('AKSENTINEL'),
    'the search does see what the database holds',
  )
})
