/**
 * Ceph's bucket logging (Squid and later): Amazon's columns, or the short journal.
 * https://docs.ceph.com/en/latest/radosgw/bucket_logging/
 */
import type { LogFormat, ParsedLine } from '../access-log-record.ts'
import { actionOf } from '../actions.ts'
import { commonLogTime } from '../log-time.ts'
import { digestOf, makeRecord, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { redact } from '../redact.ts'
import { parseS3Line } from './s3-server-access.ts'

export const cephBucketLogging: LogFormat = {
  name: 'ceph-bucket-logging',
  title: 'Ceph bucket logging, standard and journal',
  shape: 'lines',
  parse: (line, context) => parseJournal(line) ?? parseS3Line(line, context),
}

/** The documented columns and the documented samples differ in number and order: the operation is found by its form. */
const journal = /^\S+ (\S+) \[([^\]]{20,40})\] ((?:\S+ ){1,3}?)((?:REST|BATCH|S3)\.\S+)((?: \S+){0,3})$/

/** Undefined: no line of a journal. */
function parseJournal(line: string): ParsedLine | undefined {
  const text = redact(line).trimEnd()
  const found = journal.exec(text)
  if (!found) return undefined
  const [, bucket = '', time = '', before = '', operation = ''] = found
  const at = commonLogTime(time)
  if (at === undefined) return unparsed('time')
  const column = before.split(' ')[0]!
  const key = column === '-' ? null : decodePercent(column)
  return makeRecord({
    // No request has an id in it.
    identity: digestOf(text),
    at,
    atIs: 'start',
    bucket,
    key: key ?? null,
    operation,
    action: actionOf(operation),
    // Only what was done is in the journal.
    succeeded: true,
    doubts: [key === undefined && 'key'],
  })
}
