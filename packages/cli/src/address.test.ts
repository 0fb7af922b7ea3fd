import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asFolder, formatRemote, isRemote, lastName, remoteAddress, remoteObject } from './address.ts'

test('an address is a team and a key that stands as it is written', () => {
  for (const key of ['', 'a', 'a/b', 'a//b', 'ä ö', '50%25?x#y', 'sp://x'])
    assert.deepEqual(remoteAddress(`sp://vision/${key}`), { team: 'vision', key })
  assert.deepEqual(remoteAddress('sp://vision'), { team: 'vision', key: '' })
  assert.equal(formatRemote({ team: 'vision', key: 'a/b' }), 'sp://vision/a/b')
})

test('what is no address is refused with how to write one', () => {
  for (const text of ['sp:/x/y', 'sp:///key', 'sp:', 'SP://x/y'])
    assert.throws(() => remoteAddress(text), /is no address: write sp:\/\/team\/key/)
  assert.throws(() => remoteObject('sp://vision/'), /names a team, not an object/)
})

test('only what begins with sp: is remote', () => {
  assert.equal(isRemote('sp://a/b'), true)
  assert.equal(isRemote('sp'), false)
  assert.equal(isRemote('./sp://a'), false)
})

test('folders end with a slash, and names stand behind the last one', () => {
  assert.equal(asFolder(''), '')
  assert.equal(asFolder('a'), 'a/')
  assert.equal(asFolder('a/'), 'a/')
  assert.equal(lastName('a/b/'), 'b')
  assert.equal(lastName(''), '')
})
