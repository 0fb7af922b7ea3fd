/** The short way and the long way through a line say the same, or there is no short one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuedEvent, s3Line, type LineOver } from '../testing/s3-log.ts'
import { parseColumns } from './s3-server-access.ts'
import { readUsualLine } from './s3-usual-line.ts'
import { injections, mutated, randomFrom } from './testing/mutate.ts'

/** Whether it was read. */
function assertSame(line: string): boolean {
  const text = line.trimEnd()
  const record = readUsualLine(text)
  if (record) assert.deepEqual(parseColumns(text, {}), { outcome: 'record', record }, text)
  return record !== undefined
}

const lineOf = (over: LineOver = {}) => s3Line(issuedEvent(7), over)

test('reads the lines that logs are full of', () => {
  const usual: LineOver[] = [
    {},
    { user: 'alice@example.com' },
    { user: 'service-account.7' },
    { status: '403 AccessDenied' },
    { status: '206 -' },
    { agent: 'Boto3/1.35 md/Botocore#1.35'.replace('#', ' ') },
    { agent: 'Mozilla/5.0 (X11; Linux x86_64)' },
    { requester: 'a'.repeat(64) },
  ]
  for (const over of usual) assert.equal(assertSame(lineOf(over)), true, JSON.stringify(over))
  const token = lineOf().replace(
    '&X-Amz-SignedHeaders',
    '&X-Amz-Security-Token=IQoJ%2Fabc%3D&X-Amz-SignedHeaders',
  )
  assert.equal(assertSame(token), true)
  assert.equal(assertSame(lineOf().replace('&X-Amz-Signature', '&x-id=GetObject&X-Amz-Signature')), true)
})

test('leaves to the other whatever may be read in two ways', () => {
  const other = [
    lineOf({ agent: '-' }),
    lineOf({ agent: 'AWS 4:x' }),
    lineOf({ agent: 'Bearer abc' }),
    lineOf({ agent: 'x HTTP/1.1' }),
    lineOf({ agent: 'x" y' }),
    lineOf({ agent: 'a'.repeat(600) }),
    lineOf({ key: '-' }),
    lineOf({ key: 'sig=1/part' }),
    lineOf({ key: 'k'.repeat(600) }),
    lineOf({ key: 'a%20b' }),
    lineOf({ user: 'a+b' }),
    lineOf({ user: 'ü' }),
    lineOf({ user: '' }),
    lineOf({ requester: '-' }),
    lineOf({ requester: 'anonymous' }),
    lineOf({ authentication: 'AuthHeader' }),
    lineOf({ authentication: '-' }),
    lineOf().replace('X-User=', 'x-user='),
    lineOf().replace('&X-User=', '&X-User=bob&X-User='),
    lineOf().replace('&X-Grant=', '&X-User=bob&X-Grant='),
    lineOf().replace('X-Amz-Algorithm=', 'X-User=bob&X-Amz-Algorithm='),
    lineOf().replace(' HTTP/1.1"', '&X-User=bob HTTP/1.1"'),
    lineOf().replace(' HTTP/1.1"', ';X-User=bob HTTP/1.1"'),
    lineOf().replace('AWS4-HMAC-SHA256', 'AWS4'),
    lineOf().replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20261341'),
    lineOf().replace('23/Nov', '33/Nov'),
    ...[
      '192.0.2.999',
      '01.2.3.4',
      '1.2.3',
      '1.2.3.4.5',
      '1..2.3',
      '.1.2.3',
      '1.2.3.',
      '256.0.0.1',
      '00.0.0.0',
    ].map((address) => lineOf().replace('192.0.2.1', address)),
    lineOf().replace('GET /vision', 'GET /other'),
    lineOf().replace('SigV4', 'SigV4A'),
    lineOf().replace('"-" "curl', '"x" "curl'),
  ]
  for (const line of other) assert.equal(assertSame(line), false, line)
})

test('of lines broken in all ways, both say the same', () => {
  const random = randomFrom(11)
  const whole = [
    lineOf(),
    lineOf({ user: 'alice@example.com', status: '404 NoSuchKey', agent: 'Mozilla/5.0 (X11; Linux)' }),
    lineOf().replace('&X-Amz-Signature', '&x-id=GetObject&X-Amz-Signature').replaceAll('GET', 'PUT'),
  ]
  let read = 0
  for (let times = 0; times < 40_000; times += 1)
    if (assertSame(mutated(whole[times % 3]!, random))) read += 1
  assert.ok(read > 500, `${read}`)
  // Each at each place, and each character at each place.
  const characters = ['-./%=&"?+;:@~ a0Z'.split(''), injections].flat()
  for (const line of whole.slice(0, 2))
    for (let at = 0; at <= line.length; at += 1)
      for (const one of characters) {
        assertSame(line.slice(0, at) + one + line.slice(at))
        assertSame(line.slice(0, at) + one + line.slice(at + 1))
      }
})
