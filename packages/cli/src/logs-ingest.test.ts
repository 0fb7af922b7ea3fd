/** Log files by the command, against the real server. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { freshEnvironment, startServer } from '../../../tests/e2e/server-process.ts'
import { countLines } from './commands/logs-ingest.ts'
import { openShell } from './testing/run-command.ts'

const elsewhere =
  '79a5 no-such-bucket [23/Nov/2026:12:00:01 +0000] 192.0.2.3 - R1 REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 5 5 12 10 "-" "curl/8.5" - host= - - - no-such-bucket.s3.amazonaws.com TLSv1.3 - -'

test('signpost logs ingest: files and standard input, packed or not; what cannot be read is said and is no failure', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(String((env as Record<string, string>)['SIGNPOST_DATA_DIR']), 'admin-token')
  for (let tries = 0; tries < 500 && !existsSync(file); tries += 1) await wait(20)
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
