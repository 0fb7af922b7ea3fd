import type { SecurityReport } from '@signpost/contract'
import { movedBytes } from '../text.ts'
import { escapedHtml } from './escaped-html.ts'
import { noteParts } from './note-parts.ts'
import { barPlot, rankPlot } from './plots.ts'
import { bylineOf, cellText, numbersOf, sectionsOf, titleOf, type Cell, type Section } from './sections.ts'

/** It has no scripts and asks nobody for anything; should something slip in, this keeps it from it. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** One file that needs nothing else, for a browser or a printer. */
export function htmlReport(report: SecurityReport): string {
  const { days, usage, notes } = report
  const labels = days.map(({ day }) => day)
  const plots = [
    barPlot('Day by day', labels, [
      { name: 'URLs issued', className: 's1', values: days.map(({ issued }) => issued) },
      { name: 'matched accesses', className: 's2', values: days.map(({ matched }) => matched) },
    ]),
    barPlot('Findings by day', labels, [
      { name: 'findings', className: 's3', values: days.map(({ findings }) => findings) },
    ]),
    rankPlot('Bytes by user', ranks(usage.users)),
    rankPlot('Bytes by team', ranks(usage.teams)),
  ]
  const sections = sectionsOf(report)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapedHtml(titleOf(report))}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapedHtml(titleOf(report))}</h1>
<p>${escapedHtml(bylineOf(report))}</p>
<h2>What this report does not tell</h2>
${notes.length === 0 ? '<p>Nothing was left out.</p>' : `<ul class="notes">${notes.map((note) => `<li>${noteHtml(note)}</li>`).join('')}</ul>`}
<h2>Numbers</h2>
<dl class="numbers">${numbersOf(report)
    .map(
      ([label, value]) => `<div><dt>${escapedHtml(label)}</dt><dd>${escapedHtml(cellText(value))}</dd></div>`,
    )
    .join('')}</dl>
${plots.join('\n')}
${sections.map((section) => tableOf(section)).join('\n')}
</body>
</html>
`
}

function noteHtml(note: string): string {
  return noteParts(note)
    .map(({ text, isCommand }) => (isCommand ? `<code>${escapedHtml(text)}</code>` : escapedHtml(text)))
    .join('')
}

function ranks(shares: SecurityReport['usage']['users']): { name: string; value: number; text: string }[] {
  return shares.map((share) => ({ name: share.name, value: share.bytes, text: movedBytes(share) }))
}

function tableOf({ title, none, head, rows }: Section): string {
  const heading = `<h2>${escapedHtml(title)}</h2>`
  const [first] = rows
  if (!first) return `${heading}\n<p>${escapedHtml(none)}</p>`
  // A column of numbers has its heading above them, at the right.
  const line = (cells: readonly Cell[], tag: 'th' | 'td') =>
    `<tr>${cells
      .map((cell, column) => {
        const kind = typeof first[column] === 'string' ? '' : ' class="number"'
        return `<${tag}${kind}>${escapedHtml(cellText(cell))}</${tag}>`
      })
      .join('')}</tr>`
  return `${heading}
<div class="wide"><table><thead>${line(head, 'th')}</thead><tbody>
${rows.map((row) => line(row, 'td')).join('\n')}
</tbody></table></div>`
}

const style = `
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6575;--paper:#fff;--line:#d9dee6;--s1:#2f6fde;--s2:#2a9d6f;--s3:#d2452f;--note:#fff6e0}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf1;--soft:#9aa5b6;--paper:#141922;--line:#2f3848;--s1:#6ea0ff;--s2:#5ccf9f;--s3:#ff8068;--note:#33290f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem 4rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.notes{background:var(--note);padding:.8rem 1rem .8rem 2rem;border-radius:6px;margin:0}
.numbers{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.8rem;margin:0}
.numbers div{border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}
figure{margin:1.5rem 0}figcaption{color:var(--soft);font-size:.9rem;margin-bottom:.3rem}
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:var(--soft)}svg .axis,svg .name{text-anchor:end}
svg line{stroke:var(--line)}rect.s1{fill:var(--s1)}rect.s2{fill:var(--s2)}rect.s3{fill:var(--s3)}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .3em 0 .8em}.key.s1{background:var(--s1)}.key.s2{background:var(--s2)}.key.s3{background:var(--s3)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere;min-width:5rem}
th{color:var(--soft);font-weight:600;overflow-wrap:normal}.number{text-align:right;font-variant-numeric:tabular-nums}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--line:#bbb;--note:#fff}body{max-width:none;padding:0;font-size:10pt}h2{break-after:avoid}tr,figure{break-inside:avoid}.wide{overflow:visible}.notes{border:1px solid #bbb}thead{display:table-header-group}}
`
