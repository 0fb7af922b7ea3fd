/** Log files by the command, against the real server. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { countLines, unreadProblem } from './commands/logs-ingest.ts'
import { openShell } from './testing/run-command.ts'

const elsewhere =
  '79a5 no-such-bucket [23/Nov/2026:12:00:01 +0000] 192.0.2.3 - R1 REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 5 5 12 10 "-" "curl/8.5" - host= - - - no-such-bucket.s3.amazonaws.com TLSv1.3 - -'

test('signpost logs ingest: files and standard input, packed or not; what cannot be read is said and is no failure', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(String((env as Record<string, string>)['SIGNPOST_DATA_DIR']), 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: readFileSync(file, 'utf8').trim() })
  const text = `${elsewhere}\nnonsense\n`
  writeFileSync(join(shell.folder, 'a.log'), text)
  writeFileSync(join(shell.folder, 'b.log.gz'), gzipSync(text))

  const plain = await shell.run(['logs', 'ingest', 'a.log', 'b.log.gz', '--format', 's3-server-access'])
  assert.equal(plain.code, 0, plain.stderr)
  assert.equal(
    plain.stdout,
    ['a.log', 'b.log.gz']
      .map(
        (name) =>
          `${name}: 2 lines, 0 accesses, 1 of buckets that are no connector's\n` +
          '  1 line could not be read, kept as unparsed: fields 1\n',
      )
      .join(''),
  )
  const args = ['logs', 'ingest', '-', '--format', 's3-server-access', '--source', 'shipped', '--json']
  const piped = await shell.run(args, { input: text })
  assert.equal(piped.code, 0, piped.stderr)
  const counts = JSON.parse(piped.stdout) as Record<string, unknown>
  assert.deepEqual([counts['file'], counts['lines'], counts['unparsed']], ['-', 2, 1])

  // Nothing of it is a log: that is a failure, said with what to do; what else was named is read.
  writeFileSync(join(shell.folder, 'photo.jpg'), 'no log\nat all\n')
  const mistaken = ['logs', 'ingest', 'photo.jpg', 'a.log', '--format', 's3-server-access']
  const nothing = await shell.run([...mistaken, '--source', 'mistakes'])
  assert.equal(nothing.code, 1, nothing.stderr)
  assert.match(nothing.stdout, /a\.log: 2 lines/)
  assert.match(nothing.stderr, /^signpost: photo\.jpg: none of its lines .* as s3-server-access; .*minio/)
  const minio = '{"version":"1","time":"2026-11-23T12:00:01Z","api":{"name":"GetObject"}}\n'
  writeFileSync(join(shell.folder, 'other.log'), minio)
  const wrong = await shell.run(['logs', 'ingest', 'other.log', '--format', 's3-server-access', '--json'])
  assert.deepEqual([wrong.code, wrong.stderr.includes('give --format minio')], [1, true])
  const shown = await shell.run(['logs', 'unparsed', '--source', 'mistakes', '--file', 'photo.jpg'])
  assert.match(shown.stdout, /^SOURCE .*\nmistakes +photo\.jpg +1 +fields +no log\n/)
  assert.equal((await shell.run(['logs', 'dismiss', 'mistakes'])).code, 2)
  const gone = await shell.run(['logs', 'dismiss', 'mistakes', '--file', 'photo.jpg', '--yes'])
  assert.equal(gone.stdout, '2 lines of 1 file dismissed in mistakes\n')
  const left = await shell.run(['logs', 'unparsed', '--source', 'mistakes', '--json'])
  assert.deepEqual(left.stdout.match(/"text":"[^"]*"/g), ['"text":"nonsense"'])

  const refused: [string[], number, RegExp][] = [
    [['logs', 'ingest', 'none.log', '--format', 's3-server-access'], 4, /none\.log/],
    [['logs', 'ingest', 'a.log'], 2, /format: cannot be told/],
    [['logs', 'ingest', '.'], 2, /it is a folder: name the files in it/],
    [['logs', 'ingest', 'a.log', '--format', 'none'], 2, /--format/],
    [['logs', 'ingest', '-', '-', '--format', 's3-server-access'], 2, /once/],
    [
      ['logs', 'ingest', 'a.log', '--format', 's3-server-access', '--connector', 'none'],
      2,
      /connector: there is no such/,
    ],
  ]
  for (const [asked, code, sentence] of refused) {
    const ran = await shell.run(asked)
    assert.equal(ran.code, code, `${asked.join(' ')}: ${ran.stderr}`)
    assert.match(ran.stderr, sentence)
  }
})

test('names of files and findings are shown without what moves a cursor', () => {
  const counts = {
    lines: 3,
    records: 2,
    known: 1,
    skipped: 1,
    elsewhere: 0,
    unparsed: 0,
    unparsedReasons: {},
    findings: { matched: 2 },
    firstAt: null,
    lastAt: null,
  }
  const [first, second, ...others] = countLines('a\u001b[2J.log', counts)
  assert.ok(!first!.includes('\u001b'))
  assert.match(first!, /: 3 lines, 2 accesses \(1 known before\), 1 skipped$/)
  assert.deepEqual([second, others], ['  matched 2', []])
})

test('what unpacks to nothing is told from a wrong format, and an empty file is none', () => {
  const counts = {
    lines: 1,
    records: 0,
    known: 0,
    skipped: 0,
    elsewhere: 0,
    unparsed: 1,
    unparsedReasons: { compression: 1 },
    findings: {},
    firstAt: null,
    lastAt: null,
    source: 'uploads',
    format: 'minio' as const,
    looksLike: null,
  }
  assert.match(unreadProblem('a.gz', counts)!, /none .* as minio; it is cut, or packed/)
  assert.match(unreadProblem('a', { ...counts, unparsedReasons: { fields: 1 } })!, /--format: s3-server/)
  assert.equal(unreadProblem('a', { ...counts, lines: 2, elsewhere: 1 }), undefined)
  assert.equal(unreadProblem('a', { ...counts, lines: 0, unparsed: 0 }), undefined)
})
