import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { Check, DoctorReport } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { printable, printableLine } from '../text.ts'

interface DoctorOptions {
  origin?: string[]
  last?: boolean
}

type Result = Check['result']

/** In the order of the summary. */
const words: Readonly<Record<Result, { row: string; sum: string; style: Parameters<typeof styleText>[0] }>> =
  {
    fail: { row: 'fail', sum: 'failed', style: ['red', 'bold'] },
    warn: { row: 'warn', sum: 'to think about', style: 'yellow' },
    pass: { row: 'pass', sum: 'as it should be', style: 'green' },
    not_possible: { row: '-', sum: 'could not be looked at', style: 'dim' },
  }

export function addDoctor(program: Command, run: Run): void {
  program
    .command('doctor')
    .description('look at a connected bucket from every side, and say how to put right what is wrong')
    .argument('<connector>')
    .option(
      '--origin <origin>',
      'page that must reach the bucket, such as https://app.example (again for more)',
      (origin: string, before: string[] | undefined) => [...(before ?? []), origin],
    )
    .option('--last', 'what was found last, instead of looking now')
    .addHelpText(
      'after',
      examples(
        'signpost doctor vision-bucket',
        'signpost doctor vision-bucket --origin https://app.example',
        'signpost doctor vision-bucket --last --json',
      ),
    )
    .action(
      handler(run, async (context, [connector]: [string], options: DoctorOptions) => {
        const report = await reportOf(context, connector, options)
        if (context.json) context.printJson(report)
        else show(context, report)
        return report.ok ? exitCodes.ok : exitCodes.failed
      }),
    )
}

async function reportOf(
  context: Context,
  connector: string,
  { origin, last }: DoctorOptions,
): Promise<DoctorReport> {
  const client = await context.connect()
  const params = { connector }
  const { signal } = context
  if (last === true) return client.call('getDoctorReport', { params }, { signal })
  const body = origin === undefined ? {} : { origins: origin }
  return client.call('runDoctor', { params, body }, { signal })
}

/** One line a check; below it what mends it, and what to paste as it is. */
function show(context: Context, { connector, at, checks, durationMs }: DoctorReport): void {
  const { stdout } = context.io
  const widest = Math.max(0, ...checks.map(({ name }) => name.length))
  for (const { name, result, seen, fix, paste } of checks) {
    const { row, style } = words[result]
    const word = styleText(style, row.padEnd(4), { stream: stdout })
    context.print(`${word}  ${name.padEnd(widest)}  ${printableLine(seen)}`)
    if (fix !== null) context.print(`      ${''.padEnd(widest)}  ${printableLine(`Fix: ${fix}.`)}`)
    if (paste !== null) context.print(`\n${printable(paste)}\n`)
  }
  const counts = Object.entries(words).flatMap(([result, { sum }]) => {
    const count = checks.filter((check) => check.result === result).length
    return count === 0 ? [] : [`${count} ${sum}`]
  })
  context.print(`${connector}: ${counts.join(', ')} (${at}, ${(durationMs / 1000).toFixed(1)} s)`)
}
