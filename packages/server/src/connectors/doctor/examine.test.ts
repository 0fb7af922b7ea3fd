import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SignpostError } from '@signpost/contract'
import { inTime } from '../../../../../tests/in-time.ts'
import type { DoctorCheck } from './check.ts'
import { examine } from './examine.ts'
import { blocked, fail, pass, RightMissing, unseen, warn } from './finding.ts'
import type { Patient } from './patient.ts'

const patient = { during: () => undefined } as unknown as Patient
const bounds = { totalMs: 5000, checkMs: 1000 }
const check = (name: string, run: DoctorCheck['run'], needs: string[] = []): DoctorCheck => ({
  name,
  means: 'Means.',
  mends: 'Mends.',
  needs,
  run,
})
const results = async (checks: DoctorCheck[], over: Partial<typeof bounds> & { signal?: AbortSignal } = {}) =>
  (await examine(checks, patient, { ...bounds, ...over })).map(({ result, seen }) => `${result}: ${seen}`)

test('what needs something that failed is not looked at, and says what is to be mended first', async () => {
  const never = () => assert.fail('it was looked at')
  const found = await results([
    check('one', () => fail('broken', 'mend it')),
    check('two', never, ['one']),
    check('three', never, ['two']),
    check('four', () => pass('well')),
    check('five', () => blocked('the weather')),
    check('six', never, ['four', 'five']),
  ])
  assert.deepEqual(found, [
    'fail: broken',
    'not_possible: Not looked at, because of one.',
    'not_possible: Not looked at, because of one.',
    'pass: well',
    'not_possible: Not looked at, because of the weather.',
    'not_possible: Not looked at, because of the weather.',
  ])
})

test('a warning, or no way to look, is no obstacle', async () => {
  const found = await results([
    check('one', () => warn('so so', 'better it')),
    check('two', () => unseen('no way')),
    check('three', () => pass('well'), ['one', 'two']),
  ])
  assert.equal(found[2], 'pass: well')
})

test('what a check throws is a finding of its own, without other text than ours', async () => {
  const refused = new SignpostError('bucket_refused', 'Refused: AccessDenied. Fix: look it up.')
  const found = await examine(
    [
      check('one', () => {
        throw new Error('https://bucket/?X-Amz-Signature=secret')
      }),
      check('two', async () => Promise.reject(refused)),
      check('three', async () => Promise.reject(new RightMissing(refused, 's3:Do'))),
      check('four', async () => Promise.reject(new SignpostError('unsupported_by_store', 'It takes none.'))),
      check('five', () => pass('well')),
    ],
    patient,
    bounds,
  )
  assert.ok(!JSON.stringify(found).includes('secret'))
  assert.deepEqual(
    found.map(({ result, fix }) => [result, fix]),
    [
      ['fail', 'check that this server reaches the host that stands in signed URLs, and look into its log'],
      ['fail', 'look it up'],
      ['fail', "let the connector's credential do this: s3:Do"],
      ['not_possible', null],
      ['pass', null],
    ],
  )
})

test('each check has its time, and all of them together have theirs', async () => {
  const slow = async () => {
    await wait(10_000, undefined, { ref: false })
    return pass('late')
  }
  await inTime(2000, async () => {
    assert.deepEqual(await results([check('one', slow), check('two', () => pass('well'))], { checkMs: 50 }), [
      'fail: The store did not answer in time.',
      'pass: well',
    ])
    const together = await results([check('one', slow), check('two', slow)], { totalMs: 50 })
    assert.deepEqual(together, Array(2).fill('not_possible: There was no time left to look.'))
  })
})
