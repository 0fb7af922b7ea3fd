/** Everything that the log of Azurite tells is explained, and nothing is put down to somebody who did not do it. */
import { test } from 'node:test'
import { correlate } from './correlation/run.ts'
import { azurite } from './correlation/other-stores.ts'

test('every access to Azurite is explained', (t) => correlate(t, azurite))
