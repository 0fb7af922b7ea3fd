/** How what was looked at is printed: by the doctor, and by `network verify`. */
import { styleText } from 'node:util'
import type { Check } from '@signpost/contract'
import type { Context } from './context.ts'
import { printable, printableLine } from './text.ts'

type Result = Check['result']

/** In the order of the summary. */
const words: Readonly<Record<Result, { row: string; sum: string; style: Parameters<typeof styleText>[0] }>> =
  {
    fail: { row: 'fail', sum: 'failed', style: ['red', 'bold'] },
    warn: { row: 'warn', sum: 'to think about', style: 'yellow' },
    pass: { row: 'pass', sum: 'as it should be', style: 'green' },
    not_possible: { row: '-', sum: 'could not be looked at', style: 'dim' },
  }

/** One line a check; below it what mends it, and what to paste as it is. */
export function printChecks(context: Context, checks: readonly Check[]): void {
  const { stdout } = context.io
  const widest = Math.max(0, ...checks.map(({ name }) => name.length))
  for (const { name, result, seen, fix, paste } of checks) {
    const { row, style } = words[result]
    const word = styleText(style, row.padEnd(4), { stream: stdout })
    context.print(`${word}  ${name.padEnd(widest)}  ${printableLine(seen)}`)
    if (fix !== null) context.print(`      ${''.padEnd(widest)}  ${printableLine(`Fix: ${fix}.`)}`)
    if (paste !== null) context.print(`\n${printable(paste)}\n`)
  }
}

/** `1 failed, 2 as it should be` */
export function countsOf(checks: readonly Check[]): string {
  return Object.entries(words)
    .flatMap(([result, { sum }]) => {
      const count = checks.filter((check) => check.result === result).length
      return count === 0 ? [] : [`${count} ${sum}`]
    })
    .join(', ')
}
