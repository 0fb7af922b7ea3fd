/** Everything that the log of Ceph tells is explained, and nothing is put down to somebody who did not do it. */
import { test } from 'node:test'
import { requireServer } from '../servers/install.ts'
import { correlate } from './correlation/run.ts'
import { rgw } from './correlation/s3-stores.ts'

test('every access to Ceph is explained', requireServer('rgw'), (t) => correlate(t, rgw))
