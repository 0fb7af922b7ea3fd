import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connector } from '@signpost/contract'
import { audiencesOf } from './audience-flags.ts'
import { showConnector } from './connector-shown.ts'
import type { Context } from './context.ts'

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

test('what stands in the settings is printed for people, with its networks in one pair of brackets', () => {
  const lines: string[] = []
  const context = { json: false, print: (line: string) => void lines.push(line), printList: () => undefined }
  const audiences = [
    { name: 'a', endpoint: 'https://s3.internal', networks: ['10.0.0.0/8', 'fd00::/8'] },
    { name: 'b', endpoint: 'https://s3.b' },
  ]
  const settings = { name: 'vision', kind: 's3', bucket: 'data', audiences }
  showConnector(
    context as unknown as Context,
    { settings, policy: {}, address: 's3://data' } as unknown as Connector,
  )
  assert.equal(
    lines[1],
    '  audiences: (name a, endpoint https://s3.internal, networks (10.0.0.0/8 fd00::/8)) (name b, endpoint https://s3.b)',
  )
})
