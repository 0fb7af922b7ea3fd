/** Plots as inline SVG: numbers in, no text of anybody else's but through `escapedHtml`. */
import { escapedHtml } from './escaped-html.ts'

export interface Series {
  name: string
  /** Of the style sheet. */
  className: string
  values: readonly number[]
}

const width = 760
const height = 180
const left = 56
const bottom = 24
const top = 10
/** One day alone is no wall. */
const barMax = 32

/** Bars beside each other for each label. */
export function barPlot(title: string, labels: readonly string[], series: readonly Series[]): string {
  const most = wholeHalves(Math.max(1, ...series.flatMap(({ values }) => values)))
  const scale = (value: number) => ((height - top - bottom) * value) / most
  const step = (width - left) / Math.max(1, labels.length)
  const bar = Math.min(barMax, Math.max(0.5, (step * 0.8) / series.length))
  const bars = series.flatMap(({ className, values, name }, place) =>
    values.map((value, index) => {
      const x = left + index * step + place * bar
      const tall = scale(value)
      const what = escapedHtml(`${labels[index] ?? ''}: ${value} ${name}`)
      return `<rect class="${className}" x="${fixed(x)}" y="${fixed(height - bottom - tall)}" width="${fixed(bar)}" height="${fixed(tall)}"><title>${what}</title></rect>`
    }),
  )
  const every = Math.max(1, Math.ceil(labels.length / 8))
  const names = labels.flatMap((label, index) =>
    index % every === 0
      ? [`<text x="${fixed(left + index * step)}" y="${height - 8}">${escapedHtml(label)}</text>`]
      : [],
  )
  const lines = (most === 1 ? [0, 1] : [0, most / 2, most]).map((value) => {
    const y = fixed(height - bottom - scale(value))
    const shown = escapedHtml(Math.round(value).toLocaleString('en-US'))
    return `<line x1="${left}" x2="${width}" y1="${y}" y2="${y}"/><text class="axis" x="${left - 6}" y="${y}">${shown}</text>`
  })
  const legend = series
    .map(({ name, className }) => `<span class="key ${className}"></span>${escapedHtml(name)}`)
    .join(' ')
  return (
    `<figure><figcaption>${escapedHtml(title)}: ${legend}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapedHtml(title)}">${lines.join('')}${bars.join('')}${names.join('')}</svg></figure>`
  )
}

/** One bar below another, the longest first; at most twenty. */
export function rankPlot(
  title: string,
  items: readonly { name: string; value: number; text: string }[],
): string {
  const shown = items.filter(({ value }) => value > 0).slice(0, 20)
  if (shown.length === 0) return ''
  const most = Math.max(...shown.map(({ value }) => value))
  const row = 22
  const rows = shown.map(({ name, value, text }, index) => {
    const y = index * row
    const long = fixed((value / most) * 380)
    return `<text class="name" x="232" y="${y + 15}">${escapedHtml(shortened(name))}</text><rect class="s1" x="240" y="${y + 3}" width="${long}" height="15"/><text x="${fixed(Number(long) + 246)}" y="${y + 15}">${escapedHtml(text)}</text>`
  })
  return `<figure><figcaption>${escapedHtml(title)}</figcaption><svg viewBox="0 0 ${width} ${shown.length * row}" role="img" aria-label="${escapedHtml(title)}">${rows.join('')}</svg></figure>`
}

/** So that the line in the middle is at a whole number, too. */
function wholeHalves(most: number): number {
  return most > 1 && most % 2 === 1 ? most + 1 : most
}

function shortened(text: string): string {
  return text.length > 30 ? `${text.slice(0, 29)}…` : text
}

function fixed(value: number): string {
  return value.toFixed(1)
}
