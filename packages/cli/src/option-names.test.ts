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
