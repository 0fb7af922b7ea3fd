import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('calls of signBlob are counted by how they went, since there is a quota', async () => {
  const metrics = createMetrics({ process: false })
  for (const result of ['ok', 'ok', 'quota']) metrics.signBlob(result)
  const page = await metrics.render()
  assert.match(page, /^signpost_signblob_calls_total\{result="ok"\} 2$/m)
  assert.match(page, /^signpost_signblob_calls_total\{result="quota"\} 1$/m)
})

test('log sources are told as they stand; one that is gone is told no more', async () => {
  const metrics = createMetrics({ process: false })
  const state = {
    lastAccessAt: '2026-11-23T10:00:00.000Z',
    lastArrivalAt: null,
    lastListedAt: null,
    lagSeconds: 5,
    waiting: 3,
    failed: 1,
    lines: 10,
    records: 7,
    unparsed: 2,
    problem: 'x',
  }
  const source = {
    name: 'logs',
    connector: null,
    format: 'r2',
    settings: { kind: 'upload' },
    createdAt: '2026-11-23T10:00:00.000Z',
    state,
  } as const
  metrics.logSources([source, { ...source, name: 'gone' }])
  metrics.logSources([source])
  const page = await metrics.render()
  assert.match(page, /^signpost_log_files\{source="logs",state="waiting"\} 3$/m)
  assert.match(page, /^signpost_log_files\{source="logs",state="failed"\} 1$/m)
  assert.match(page, /^signpost_log_lines\{source="logs",result="unparsed"\} 2$/m)
  assert.match(page, /^signpost_log_lines\{source="logs",result="parsed"\} 8$/m)
  assert.match(page, /^signpost_log_last_access_timestamp_seconds\{source="logs"\} 1795428000$/m)
  assert.match(page, /^signpost_log_source_ok\{source="logs"\} 0$/m)
  assert.doesNotMatch(page, /gone|last_arrival_timestamp_seconds\{/)
})
