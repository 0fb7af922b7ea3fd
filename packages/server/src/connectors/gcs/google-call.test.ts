import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryAfterMs } from './google-call.ts'

const now = Date.UTC(2026, 10, 23, 9, 30)

test('Retry-After is seconds or an instant, a minute at most, and what is neither says nothing', () => {
  const cases: [string | undefined, number][] = [
    ['1', 1000],
    ['0', 0],
    ['60', 60_000],
    ['61', 60_000],
    ['999999', 60_000],
    ['99999999999999999999', 60_000],
    ['Mon, 23 Nov 2026 09:30:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 09:00:00 GMT', 0],
    ['Sun, 23 Nov 2036 09:30:00 GMT', 60_000],
    ['soon', 500],
    ['', 500],
    [undefined, 500],
  ]
  for (const [said, expected] of cases) {
    const headers = new Headers(said === undefined ? {} : { 'retry-after': said })
    assert.equal(retryAfterMs(headers, now, 500), expected, said)
  }
})
