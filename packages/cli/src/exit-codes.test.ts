import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { TransferError } from '@signpost/sdk'
import { UsageError } from './errors.ts'
import { exitCodeOf } from './exit-codes.ts'
import { Interrupted } from './io.ts'

test('every class of failure has its exit code', () => {
  const cases: [unknown, number][] = [
    [new UsageError('x'), 2],
    [new SignpostError('invalid', 'x'), 2],
    [new SignpostError('invalid', 'x', { requestId: 'r' }), 2],
    [new SignpostError('invalid_key', 'x', { requestId: 'r' }), 2],
    [new SignpostError('expiry_not_possible', 'x', { requestId: 'r' }), 1],
    [new SignpostError('unauthenticated', 'x', { requestId: 'r' }), 3],
    [new SignpostError('forbidden', 'x', { requestId: 'r' }), 3],
    [new SignpostError('not_found', 'x', { requestId: 'r' }), 4],
    [new SignpostError('record_unavailable', 'x', { requestId: 'r' }), 5],
    [new SignpostError('rate_limited', 'x', { requestId: 'r' }), 5],
    [new SignpostError('budget_exhausted', 'x', { requestId: 'r', retryAfterSeconds: 60 }), 5],
    [new SignpostError('budget_exhausted', 'x', { requestId: 'r' }), 1],
    [new TransferError('network', 'x'), 5],
    [new TransferError('store_refused', 'x', { status: 403 }), 3],
    [new TransferError('store_refused', 'x', { status: 404 }), 4],
    [new TransferError('store_refused', 'x', { status: 503 }), 5],
    [new TransferError('checksum_mismatch', 'x'), 1],
    [new Interrupted(130), 130],
    [new Error('x'), 1],
    ['x', 1],
  ]
  for (const [error, code] of cases) assert.equal(exitCodeOf(error), code)
})
