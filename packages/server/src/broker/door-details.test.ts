import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doorDetails } from './door-details.ts'

test('a URL is recorded with what else it is bound to', () => {
  assert.deepEqual(
    doorDetails({
      networks: ['192.0.2.0/24', 'vpce-0123456789abcdef0'],
      contentLength: 0,
      contentLengthRange: { min: 1, max: 9 },
      part: { storeUploadId: '2~a', partNumber: 3 },
    }),
    {
      networks: '192.0.2.0/24 vpce-0123456789abcdef0',
      contentLength: 0,
      contentLengthMax: 9,
      storeUploadId: '2~a',
    },
  )
})

test('nothing is recorded of a URL that is bound to key and time alone', () => {
  assert.equal(doorDetails({}), undefined)
})
