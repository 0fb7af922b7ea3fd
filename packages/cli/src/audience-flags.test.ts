import assert from 'node:assert/strict'
import { test } from 'node:test'
import { audiencesOf } from './audience-flags.ts'

test('names, addresses and networks', () => {
  assert.deepEqual(
    audiencesOf({ audience: ['a=https://s3.internal', 'b=http://10.0.0.1:9000,10.0.0.0/8,fd00::/8'] }),
    [
      { name: 'a', endpoint: 'https://s3.internal' },
      { name: 'b', endpoint: 'http://10.0.0.1:9000', networks: ['10.0.0.0/8', 'fd00::/8'] },
    ],
  )
  assert.deepEqual(audiencesOf({ audience: false }), [])
  assert.equal(audiencesOf({}), undefined)
})

test('what is no address with a name is refused', () => {
  for (const text of ['', 'a', 'a=', '=https://x', 'a,https://x'])
    assert.throws(() => audiencesOf({ audience: [text] }), { name: 'UsageError' })
})
