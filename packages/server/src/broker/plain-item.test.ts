import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UrlRequest } from '@signpost/contract'
import fc from 'fast-check'
import { plainItem } from './plain-item.ts'

const action = fc.constantFrom('read', 'write', 'READ')
const key = fc.string({ unit: 'binary' })
const method = fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'get')
const other = fc.tuple(
  fc.constantFrom('expiresInSeconds', 'expiryMode', 'createOnly', 'audience', 'toString', '__proto__', 'Key'),
  fc.oneof(fc.constantFrom(60, 'exact', true), fc.jsonValue()),
)

/** An item as JSON: with a field more, another value or one field less now and then. */
const items = fc
  .record({ action, key, method }, { requiredKeys: ['action', 'key'] })
  .chain((item) =>
    fc.oneof(
      fc.constant(Object.entries(item)),
      other.map((field) => [...Object.entries(item), field]),
      fc.jsonValue().map((value) => [...Object.entries(item).slice(1), ['action', value]]),
      fc.jsonValue().map((value) => [...Object.entries(item), ['key', value]]),
      fc.constant(Object.entries(item).slice(1)),
    ),
  )
  .map(
    (fields) =>
      `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
  )

test('what is taken for a plain item is what the schema makes of it', () => {
  let plain = 0
  const property = fc.property(items, (text) => {
    const item = JSON.parse(text) as unknown
    const found = plainItem(item)
    if (found === undefined) return
    plain += 1
    assert.deepEqual(found, UrlRequest.parse(item))
  })
  fc.assert(property, { numRuns: 5000 })
  assert.ok(plain > 200, `${plain} of them were plain`)
})

test('plain items need no schema, all others do', () => {
  for (const item of [
    { action: 'read', key: 'a' },
    { key: '', action: 'write', method: 'PUT' },
    { action: 'write', key: 'a', method: 'GET' },
  ])
    assert.deepEqual(plainItem(item), UrlRequest.parse(item))
  for (const item of [
    null,
    'read',
    [],
    {},
    { action: 'read' },
    { action: 'read', key: 1 },
    { action: 'read', key: 'a', other: undefined },
    { action: 'read', key: 'a', method: null },
    { action: 'read', key: 'a', method: 'HEAD' },
    { action: 'read', key: 'a', createOnly: true },
  ])
    assert.equal(plainItem(item), undefined)
})
