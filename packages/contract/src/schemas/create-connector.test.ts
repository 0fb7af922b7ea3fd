import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateConnector } from './create-connector.ts'

const address = 's3://AKID:s%2Fecret-of-test@s3.example.com/data?region=r'
const settings = {
  kind: 's3',
  name: 'n',
  bucket: 'data',
  endpoint: 'https://s3.example.com',
  region: 'r',
  addressing: 'path',
  marker: 'username',
  credential: { type: 'static', accessKeyId: 'AKID', secretAccessKey: 's/ecret-of-test' },
}
const problemsOf = (body: object) =>
  CreateConnector.safeParse(body).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ??
  []

test('an address with a name stands for the settings', () => {
  const parsed = CreateConnector.parse({ name: 'n', address, team: 'vision' })
  assert.deepEqual(parsed, { settings, team: 'vision', isDefault: false, check: true })
  assert.deepEqual(CreateConnector.parse({ settings }), { settings, isDefault: false, check: true })
})

test('the credential may stand beside the address, as a reference too', () => {
  const credential = {
    type: 'static',
    accessKeyId: { file: 'b/id' },
    secretAccessKey: { env: 'SIGNPOST_SECRET_B' },
  }
  const parsed = CreateConnector.parse({ name: 'n', address: 's3://data', region: 'r', credential })
  assert.deepEqual(parsed.settings.credential, credential)
})

test('what is missing, doubled or wrong is named by its field, and no secret is repeated', () => {
  const bare = 's3://data?region=r'
  const wrong: [object, RegExp][] = [
    [{}, /^settings: is required, or name and address/],
    [{ address }, /^name: is required with address/],
    [{ name: 'n', settings }, /^name: goes with address/],
    [{ address, settings }, /^address: goes with address/],
    [{ name: 'n', address: bare }, /^credential: /],
    [
      { name: 'n', address: bare, credential: { type: 'static', accessKeyId: 'k' } },
      /^credential.secretAccessKey: /,
    ],
    [{ name: 'n', address: bare, credential: { type: 'hmacKey' } }, /^credential/],
    [
      { name: 'n', address, credential: { type: 'environment' } },
      /^credential: stands in the address already/,
    ],
    [{ name: 'n', address: `${bare}&tls=s-ecret-of-test` }, /^address: tls goes with/],
    [
      { name: 'n', address: 's3://data/vision?region=r', credential: {} },
      /^address: must end with the bucket/,
    ],
    [{ name: 'n', address: 's3://AKID:s/ecret-of-test@host/b' }, /^address: .*percent-encode/],
  ]
  for (const [body, rule] of wrong) {
    const problems = problemsOf(body)
    assert.match(problems[0] ?? 'none', rule)
    assert.doesNotMatch(problems.join(' '), /ecret-of-test/)
  }
})

test('a bucket that a URL parser would drop from the path is none', () => {
  for (const bucket of ['.', '..', 'a/b', ''])
    assert.match(problemsOf({ settings: { ...settings, bucket } }).join(), /^settings\.bucket: /, bucket)
  for (const bucket of ['...', '.a', '$logs', 'a.b'])
    assert.deepEqual(problemsOf({ settings: { ...settings, bucket } }), [], bucket)
})
