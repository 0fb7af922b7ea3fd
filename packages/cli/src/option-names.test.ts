import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cameBy, inOptions } from './option-names.ts'

type Came = Parameters<typeof inOptions>[1]

async function said(message: string, came?: Came): Promise<string> {
  const problem = await inOptions(Promise.reject(new Error(message)), came).catch((error: unknown) => error)
  return (problem as Error).message
}

test('a field is named by the option that gave it', async () => {
  assert.equal(
    await said('settings.endpoint: must be a URL; settings.credential.source.roleArn: x'),
    '--endpoint: must be a URL; --role-arn: x',
  )
  assert.equal(
    await said('policy.networks.3: must be an address range'),
    '--network: must be an address range',
  )
  assert.equal(await said('policy.expiry.readSecondsMax: too much.'), '--read-max: too much.')
  assert.equal(await said('audience: there is none.', 'request'), '--audience: there is none.')
  assert.equal(
    await said('contentLengthRange: min must not be more than max.', 'request'),
    '--min-bytes and --max-bytes: min must not be more than max.',
  )
})

test('of a hold, too, and what is to be added', async () => {
  assert.equal(
    await said('username: nobody has this name. Look, or send `evenIfUnknown`: true.', 'hold'),
    '--user: nobody has this name. Look, or add --even-if-unknown.',
  )
  assert.equal(await said('to: must be later than `from`.', 'hold'), '--to: must be later than `from`.')
  assert.equal(await said('name: is taken.', 'hold'), 'name: is taken.')
})

test('what no option gave keeps its name', async () => {
  assert.equal(
    await said(
      'settings.credential.accessKeyId.file: must be a path',
      cameBy({ credentialFile: './c.json' }),
    ),
    '--credential-file: accessKeyId.file: must be a path',
  )
  assert.equal(await said('settings.bucket: x', 'credentialFile'), '--bucket: x')
  assert.equal(await said('policy.writes.tags: x'), 'policy.writes.tags: x')
  assert.equal(await said('settings.unheard: x'), 'settings.unheard: x')
  assert.equal(await said('key: must not hold ..', 'request'), 'key: must not hold ..')
  assert.equal(await said('There is no such team.', 'request'), 'There is no such team.')
  assert.equal(cameBy({}), 'options')
})

test('of sinks, alerts, sources and retention, too; what is no field stays as it is', async () => {
  const cases: [Came, string, string][] = [
    [
      'alert',
      'url: must be https, unless allowInternal is set.',
      '--to: must be https, unless you give --allow-internal.',
    ],
    ['alert', 'findings.0: must be matched or own.', '--finding: must be matched or own.'],
    [
      'sink',
      'settings.url: must be a URL; settings.eventsMax: must be at least 1.',
      '--webhook or --otlp: must be a URL; --max: must be at least 1.',
    ],
    ['sink', 'secrets.headers.host: must not be sent.', 'secrets.headers.host: must not be sent.'],
    ['source', 'settings.reader: there is no connector x.', '--bucket: there is no connector x.'],
    ['retention', 'trailDays: must be at least 30.', '--trail: must be at least 30.'],
    ['retention', 'There is no such thing. toString: x', 'There is no such thing. toString: x'],
  ]
  for (const [came, message, expected] of cases) assert.equal(await said(message, came), expected)
})
