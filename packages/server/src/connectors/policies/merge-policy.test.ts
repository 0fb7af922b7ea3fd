import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergePolicy } from './merge-policy.ts'
import type { Statement } from './statement.ts'

const ours = (address: string, Sid = 'SignpostNetwork'): Statement => ({
  Sid,
  Effect: 'Deny',
  Principal: '*',
  Action: ['s3:GetObject', 's3:PutObject'],
  Resource: 'arn:aws:s3:::b/*',
  Condition: { NotIpAddress: { 'aws:SourceIp': [address] } },
})
const foreign = { Sid: 'SignpostTlsOnly', Effect: 'Deny', Principal: '*', Action: 's3:*' }
const unnamed = { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::1:root' }, Action: 's3:GetObject' }
const text = (...Statement: unknown[]) => JSON.stringify({ Version: '2012-10-17', Id: 'kept', Statement })

test('ours are replaced and all others kept, the id of the policy too', () => {
  const before = text(unnamed, ours('10.0.0.1'), foreign, ours('10.0.0.2', 'SignpostNetworkTeamA'))
  const { next, difference } = mergePolicy(before, [ours('10.0.0.9')])
  assert.deepEqual(JSON.parse(next ?? ''), JSON.parse(text(unnamed, foreign, ours('10.0.0.9'))))
  assert.ok(difference.some((line) => line.startsWith('+') && line.includes('10.0.0.9')))
  assert.ok(difference.some((line) => line.startsWith('-') && line.includes('10.0.0.2')))
  assert.match(difference[0] ?? '', /^--- bucket policy/)
})

test('what says the same already is left to the letter, however the store writes it', () => {
  const written = {
    Condition: { NotIpAddress: { 'aws:SourceIp': '10.0.0.1' } },
    Resource: ['arn:aws:s3:::b/*'],
    Action: ['s3:PutObject', 's3:GetObject'],
    Principal: { AWS: ['*'] },
    Effect: 'Deny',
    Sid: 'SignpostNetwork',
  }
  for (const before of [text(written, foreign), JSON.stringify({ Statement: written })]) {
    const { next, difference } = mergePolicy(before, [ours('10.0.0.1')])
    assert.deepEqual([next, difference], [before, []])
  }
})

test('without a list ours go; a policy that had nothing else goes whole', () => {
  assert.deepEqual(
    JSON.parse(mergePolicy(text(foreign, ours('10.0.0.1')), []).next ?? ''),
    JSON.parse(text(foreign)),
  )
  assert.equal(mergePolicy(text(ours('10.0.0.1')), []).next, null)
  assert.deepEqual(mergePolicy(null, []), { next: null, difference: [] })
})

test('what cannot be read is not overwritten', () => {
  for (const before of ['', 'null', '[]', '{}', '{"Statement":"x"}', '{"Statement":null}', '{'])
    assert.throws(() => mergePolicy(before, [ours('10.0.0.1')]), { code: 'conflict' }, before)
})
