/** Files and lines that were made to do harm: read to their end, in time, and with every requester told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLog } from '../parse-log.ts'
import { formatNamed, logFormats } from './index.ts'
import { makers } from './testing/made-lines.ts'
import { access, injections, mutated, randomFrom } from './testing/mutate.ts'

test('a second requester in a mutated line is never told as the only one', () => {
  const forgeable = makers.filter(
    ({ tells, format }) => tells.markers && !['cloudtrail', 'gcs-audit', 'minio'].includes(format),
  )
  for (const { format, make } of forgeable) {
    const random = randomFrom(7)
    const name = /azur|blob/.test(format) ? 'scid' : 'X-User'
    for (let count = 0; count < 2000; count += 1) {
      const { text, context } = make(access, (query) => {
        const pieces = query.split('&')
        const noise = injections[random(injections.length)]!.replaceAll(/[^!-~]|[&"]/g, '')
        return pieces.toSpliced(random(pieces.length + 1), 0, `a${noise}=b&${name}=bob`).join('&')
      })
      const parsed = formatNamed(format)!.parse(text, context)
      if (parsed.outcome !== 'record') continue
      const { user } = parsed.record.markers
      assert.ok(
        user.length > 1 && user.includes('bob') && user.includes(access.username),
        `${text} -> ${user.join(' ')}`,
      )
    }
  }
})

test('a file of 10,000 hostile lines is read to its end, line by line, by every format', async () => {
  const random = randomFrom(42)
  const texts = makers.map(({ make }) => make(access).text)
  const lines = Array.from({ length: 10_000 }, () =>
    mutated(texts[random(texts.length)]!, random).replaceAll(/[\r\n]/g, ''),
  )
  const bytes = Buffer.from(lines.join('\n'))
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536)
  }
  for (const format of logFormats) {
    const counts = { record: 0, skipped: 0, unparsed: 0 }
    for await (const some of parseLog(format, chunks())) for (const { outcome } of some) counts[outcome] += 1
    const all = counts.record + counts.skipped + counts.unparsed
    // JSON records may end within a line, or begin anew in one.
    if (format.shape === 'json') assert.ok(all > 5000 && all < 40_000, `${format.name}: ${all}`)
    else assert.equal(all, 10_000, format.name)
    assert.ok(counts.record > 0 && counts.unparsed > 0, `${format.name}: ${JSON.stringify(counts)}`)
  }
})

test('what no log holds is no record, and throws nothing', () => {
  const texts = [
    '',
    ' ',
    '\u0000',
    '"',
    '{',
    '{}',
    '[]',
    'null',
    '1',
    '{"a":'.repeat(5000),
    '['.repeat(100_000),
    '"'.repeat(100_000),
  ]
  const deep = `${'{"time":'.repeat(5000)}1${'}'.repeat(5000)}`
  for (const format of logFormats)
    for (const text of [...texts, deep, ' '.repeat(100_000), 'a '.repeat(50_000), '- '.repeat(50_000)]) {
      const before = process.cpuUsage()
      const parsed = format.parse(text, {})
      assert.notEqual(parsed.outcome, 'record', `${format.name}: ${text.slice(0, 20)}`)
      assert.ok(process.cpuUsage(before).user < 1_000_000, `${format.name}: ${text.slice(0, 20)}`)
    }
})
