/** Azurite's access log (standard output): Apache's columns. For tests and for whoever tries Signpost without Azure. */
import type { LineContext, LogFormat, ParsedLine } from '../access-log-record.ts'
import { commonLogTime } from '../log-time.ts'
import { digestOf, factsOf, makeRecord, skipped, unparsed } from '../make-record.ts'
import { decodePercent } from '../percent.ts'
import { readQuery } from '../query-markers.ts'
import { redact } from '../redact.ts'
import { readRequestLine, splitTarget } from '../request-target.ts'
import { numberOf, statusOf } from '../json-fields.ts'

export const azurite: LogFormat = {
  name: 'azurite',
  title: "Access log of Azurite, Azure Storage's emulator",
  shape: 'lines',
  parse: parseLine,
}

const columns = /^(\S+) \S+ \S+ \[([^\]]{20,40})\] "([^"]*)" (\d{3}) (\d+|-)$/

function parseLine(line: string, context: LineContext): ParsedLine {
  const text = redact(line).trimEnd()
  if (text === '') return skipped('empty')
  // What it says of its start and its stop.
  if (!/ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:/.test(text)) return skipped('other-line')
  const found = columns.exec(text)
  if (!found) return unparsed('fields')
  const [, address, time = '', request = '', status = '', bytes = ''] = found
  const at = commonLogTime(time)
  if (at === undefined) return unparsed('time')
  const read = readRequestLine(request)
  if (!read) return unparsed('request-line')
  const { path, query } = splitTarget(read.target)
  const facts = readQuery(query)
  // /account/container/blob
  const parts = path.split('/')
  const [account, container, key] = [parts[1] ?? '', parts[2] ?? '', parts.slice(3).join('/')].map(
    decodePercent,
  )
  const component = /(?:^|&)(comp=[a-z]+)/i.exec(query)?.[1] ?? ''
  return makeRecord({
    ...factsOf(facts),
    identity: digestOf(text),
    at,
    atIs: 'end',
    account: account ?? null,
    bucket: container || (context.bucket ?? null),
    key: key || null,
    operation: `${read.method} ${component}`.trim(),
    action: actionOfBlob(read.method, key ?? '', component.toLowerCase()),
    method: read.method,
    status: statusOf(status),
    address: address ?? null,
    authentication: facts.isPresigned ? 'query' : 'unknown',
    bytesSent: numberOf(bytes),
    // A SAS without a user's object id is signed with the account's key, which does not sign `scid`.
    doubts: [
      key === undefined && 'key',
      facts.isPresigned && facts.urlSigner === null && facts.markers.user.length > 0 && 'unsigned-marker',
    ],
  })
}

function actionOfBlob(method: string, key: string, component: string) {
  if (component === 'comp=list' || component === 'comp=blocklist')
    return method === 'PUT' ? 'write' : method === 'GET' ? 'list' : 'other'
  if (key === '' || (component !== '' && component !== 'comp=block')) return 'other'
  if (method === 'GET' || method === 'HEAD') return 'read'
  return method === 'PUT' ? 'write' : method === 'DELETE' ? 'delete' : 'other'
}
