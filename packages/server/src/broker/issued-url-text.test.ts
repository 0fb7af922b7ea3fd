import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IssuedUrl, LimitedBy, UrlMethod } from '@signpost/contract'
import fc from 'fast-check'
import { issuedUrlFields } from './issued-url-text.ts'

const text = fc.string({ unit: 'binary' })
// The schema drops this one name, which no signer writes.
const name = text.filter((one) => one !== '__proto__')
const record = fc.dictionary(name, text)
const url = fc.stringMatching(/^https:\/\/[a-z0-9.:-]+\/[!#-[\]-~]*$/)
const issuedUrls = fc.record(
  {
    grantId: text,
    method: fc.constantFrom(...UrlMethod.options),
    url,
    headers: record,
    fields: record,
    audience: text,
    successStatuses: fc.array(fc.integer({ min: 100, max: 599 })),
    expiresAt: fc.constant('2026-11-23T10:00:00.000Z'),
    limitedBy: fc.constantFrom(...LimitedBy.options),
    enforcement: fc.dictionary(name, fc.constantFrom('storage' as const, 'none' as const)),
    etagExpected: fc.boolean(),
  },
  {
    requiredKeys: [
      'grantId',
      'method',
      'url',
      'headers',
      'successStatuses',
      'expiresAt',
      'limitedBy',
      'enforcement',
    ],
  },
)

test('an answer is written as JSON.stringify writes what its schema lets through', () => {
  fc.assert(
    fc.property(issuedUrls, (issued) => {
      assert.equal(`{${issuedUrlFields(issued)}}`, JSON.stringify(IssuedUrl.parse(issued)))
    }),
  )
})

test('every field of the contract is written, and no other', () => {
  const [full] = fc.sample(fc.record({ ...issuedUrlShape() }), 1)
  const more = { ...full, secret: 'not to be seen' } as unknown as IssuedUrl
  assert.deepEqual(
    Object.keys(JSON.parse(`{${issuedUrlFields(more)}}`) as object).toSorted(),
    Object.keys(IssuedUrl.shape).toSorted(),
  )
})

function issuedUrlShape() {
  return {
    grantId: text,
    method: fc.constant('GET' as const),
    url,
    headers: record,
    fields: record,
    audience: text,
    successStatuses: fc.constant([200]),
    expiresAt: fc.constant('2026-11-23T10:00:00.000Z'),
    limitedBy: fc.constant('policy' as const),
    enforcement: fc.constant({}),
    etagExpected: fc.boolean(),
  }
}
