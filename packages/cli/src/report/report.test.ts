/** Reports of hostile texts: keys, agents and notes are anybody's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecurityReport } from '@signpost/contract'
import { csvReport } from './csv-report.ts'
import { htmlReport } from './html.ts'
import { markdownReport } from './markdown.ts'
import { barPlot } from './plots.ts'

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><svg onload=alert(1)>',
  '![x](https://evil.example/a.png)',
  '[x](javascript:alert(1))',
  'a | b | c',
  'https://evil.example www.evil.example me@evil.example',
  '=HYPERLINK("https://evil.example")',
  '+1+1',
  '@SUM(A1)',
  '\u001b]0;title\u0007\u001b[2J',
  '\u202eltr\u2066',
  'line\nbreak\r\n# heading',
  '\ud800',
  '`code` *bold* _under_ ~~gone~~',
]

function reportOf(text: string): SecurityReport {
  const at = '2026-11-23T10:00:00.000Z'
  const grant = {
    grantId: text,
    username: text,
    team: text,
    connector: text,
    key: text,
    action: 'read' as const,
    issuedAt: at,
    expiresAt: at,
    uses: 3,
    addresses: 2,
    bytes: 7,
    bytesUnknown: 0,
  }
  const share = { name: text, issued: 1, neverUsed: 1, accesses: 1, bytes: 9, bytesUnknown: 1 }
  return {
    madeAt: at,
    madeBy: text,
    from: at,
    to: at,
    coverage: [
      { connector: text, logged: false, sources: [text], issued: 1, accesses: 0, silentDays: ['2026-11-23'] },
    ],
    sources: [
      {
        name: text,
        connector: text,
        format: 'x',
        lastAccessAt: null,
        lines: 1,
        unparsed: 1,
        waiting: 0,
        failed: 0,
        problem: text,
      },
    ],
    numbers: {
      issued: 1,
      refused: 1,
      accesses: 1,
      matched: 0,
      own: 0,
      findings: 1,
      bytes: 1,
      bytesUnknown: 1,
      unparsed: 1,
    },
    days: [{ day: text, issued: 1, matched: 2, findings: 3 }],
    findings: [
      {
        finding: 'refused',
        count: 1,
        acknowledged: 1,
        examples: [
          {
            id: 'a-b',
            at,
            finding: 'refused',
            connector: text,
            source: text,
            file: text,
            evidence: { reason: text, operation: text, action: 'read', authentication: 'query' },
            state: 'acknowledged',
            note: text,
            sentences: { what: text, why: text, advice: text },
          },
        ],
      },
    ],
    addresses: [{ address: text, users: [text], accesses: 1, bytes: 0, bytesUnknown: 1, findings: 1 }],
    usage: {
      from: at,
      to: at,
      issued: 1,
      used: 0,
      neverUsed: 1,
      unknown: 0,
      neverUsedExamples: [grant],
      often: [grant],
      severalAddresses: [grant],
      endingSoon: [grant],
      users: [share],
      teams: [share],
      newNetworks: [{ username: text, network: text, firstAt: at, accesses: 1 }],
      complete: true,
    },
    refusals: [{ type: text, reason: text, count: 1 }],
    refusedUsers: [{ username: text, count: 1 }],
    changes: [{ at, by: text, type: text, about: text }],
    checkpoint: { number: 1, at, digest: text },
    notes: [text],
  }
}

// oxlint-disable-next-line no-control-regex
const steering = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

test('HTML: hostile texts change no tag, no attribute and no address', () => {
  const shapeOf = (html: string) =>
    html.replaceAll(/>[^<]*/g, '>').replaceAll(/(aria-label|x|y|y1|y2|width|height)="[^"]*"/g, '$1=""')
  const plain = shapeOf(htmlReport(reportOf('plain')))
  for (const text of hostile) {
    const html = htmlReport(reportOf(text))
    assert.equal(shapeOf(html), plain, text)
    assert.doesNotMatch(html, steering)
    assert.ok(html.isWellFormed())
    assert.doesNotMatch(
      html,
      /<(script|img|iframe|object|link|a)\b|\b(href|src|on\w+)=/i.test(text)
        ? /<script|<img|<svg onload/i
        : /<script/i,
    )
  }
})

test('HTML: no scripts, no requests, in both lights, for the printer', () => {
  const html = htmlReport(reportOf('plain'))
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/)
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|@import|url\(|href=|src=|https?:/i)
  assert.match(html, /prefers-color-scheme:dark/)
  assert.match(html, /@media print/)
  assert.match(html, /<svg viewBox/)
})

test('Markdown: hostile texts are no link, no image, no HTML, no cell and no line of their own', () => {
  const plain = markdownReport(reportOf('plain'))
  const bars = (markdown: string) => markdown.split('\n').map((line) => line.match(/(?<!\\)\|/g)?.length ?? 0)
  for (const text of hostile) {
    const markdown = markdownReport(reportOf(text))
    assert.deepEqual(bars(markdown), bars(plain), text)
    assert.doesNotMatch(markdown, /(?<!\\)[<[!`]/, text)
    assert.doesNotMatch(markdown, /https?:\/\/|www\.|[^\\]@/, text)
    assert.doesNotMatch(markdown, steering)
  }
})

test('commands in notes stand as such, and nothing of anybody else does', () => {
  const report = reportOf('plain')
  const notes = [
    'Run `signpost audit verify`, *now*.',
    'main: `signpost <script>`',
    '`rm -rf`',
    '`signpost a`b`',
  ]
  const markdown = markdownReport({ ...report, notes })
  assert.match(markdown, /^- Run `signpost audit verify`, \\\*now\\\*\.$/m)
  assert.match(markdown, /^- main: \\`signpost \\<script\\>\\`$/m)
  assert.match(markdown, /^- \\`rm -rf\\`$/m)
  assert.match(markdown, /^- `signpost a`b\\`$/m)
  const html = htmlReport({ ...report, notes })
  assert.match(html, /<li>Run <code>signpost audit verify<\/code>, \*now\*\.<\/li>/)
  assert.match(html, /&#96;signpost &lt;script&gt;&#96;/)
})

test('bytes that are not known are no 0 in any form; in CSV they are numbers', () => {
  const report = reportOf('plain')
  assert.match(markdownReport(report), /\| plain \| plain \| 1 \| unknown \| 1 \|/)
  assert.match(markdownReport(report), /\| plain \| 1 \| 1 \| 1 \| 9 B or more \|/)
  assert.match(htmlReport(report), /<td class="number">9 B or more<\/td>/)
  const csv = csvReport(report)
  assert.match(csv, /^"Users","Name",.*,"Bytes","Accesses of unknown bytes"\r$/m)
  assert.match(csv, /^"Users","plain","1","1","1","9","1"\r$/m)
})

test('CSV: no cell is calculated, and none breaks out of its quotes', () => {
  const linesOf = (text: string) => csvReport(reportOf(text)).split('\r\n').length
  const lines = linesOf('plain')
  for (const text of hostile) {
    assert.equal(linesOf(text), lines, text)
    const csv = csvReport(reportOf(text))
    for (const cell of csv.match(/"(?:[^"]|"")*"/g) ?? []) assert.doesNotMatch(cell, /^"\s*[=+\-@]/, text)
    assert.equal(csv.replaceAll(/"(?:[^"]|"")*"/g, '').replaceAll(/[,\r\n]/g, ''), '', text)
    assert.doesNotMatch(csv.replaceAll('\r\n', ''), steering)
  }
})

test('a plot of nothing, and of much, is a plot', () => {
  assert.doesNotMatch(barPlot('x', [], [{ name: 'a', className: 's1', values: [] }]), /NaN|Infinity/)
  const many = Array.from({ length: 400 }, (_, day) => day)
  const plot = barPlot('x', many.map(String), [{ name: 'a', className: 's1', values: many }])
  assert.doesNotMatch(plot, /NaN|Infinity|="-/)
  assert.equal(plot.match(/<rect/g)?.length, 400)
})
