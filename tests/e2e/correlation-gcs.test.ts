/** Everything that the log of the verifying GCS server tells is explained, and nothing is put down to somebody who did not do it. */
import { test } from 'node:test'
import { correlate } from './correlation/run.ts'
import { gcs } from './correlation/other-stores.ts'

test('every access to the verifying GCS server is explained', (t) => correlate(t, gcs))
