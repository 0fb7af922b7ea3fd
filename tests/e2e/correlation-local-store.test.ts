/** Everything that the embedded store's log tells is explained, and nothing is put down to somebody who did not do it. */
import { test } from 'node:test'
import { correlate } from './correlation/run.ts'
import { localStore } from './correlation/s3-stores.ts'

test('every access to the embedded store is explained', (t) => correlate(t, localStore))
