import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCACertificates } from 'node:tls'
import { generate } from 'selfsigned'
import { fingerprintOf, trust } from './trust.ts'

const trusted = () => new Set(getCACertificates('default').map(fingerprintOf))

test('a certificate is trusted until that is ended, whatever others trust meanwhile', async () => {
  const before = trusted()
  const [one = '', other = ''] = await Promise.all(
    ['one', 'other'].map(async (value) => (await generate([{ name: 'commonName', value }])).cert),
  )
  const distrustOne = trust(one)
  assert.deepEqual(trusted(), new Set([...before, fingerprintOf(one)]))
  const distrustOther = trust(other)
  assert.deepEqual(trusted(), new Set([...before, fingerprintOf(one), fingerprintOf(other)]))
  distrustOne()
  assert.deepEqual(trusted(), new Set([...before, fingerprintOf(other)]))
  distrustOther()
  assert.deepEqual(trusted(), before)
})
