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
