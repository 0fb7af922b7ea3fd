import type { Command } from 'commander'
import type { Check, DoctorReport } from '@signpost/contract'
import { countsOf, printChecks } from '../check-lines.ts'
import { handler, type Context, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'

interface DoctorOptions {
  origin?: string[]
  last?: boolean
  problems?: boolean
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
    .option('--problems', 'only what fails or is to think about, and how much there is of the rest')
    .addHelpText(
      'after',
      examples(
        'signpost doctor vision-bucket',
        'signpost doctor vision-bucket --origin https://app.example',
        'signpost doctor vision-bucket --problems',
        'signpost doctor vision-bucket --last --json',
      ),
    )
    .action(
      handler(run, async (context, [connector]: [string], options: DoctorOptions) => {
        const report = await reportOf(context, connector, options)
        const shown = options.problems === true ? report.checks.filter(isProblem) : report.checks
        if (context.json) context.printJson({ ...report, checks: shown })
        else show(context, report, shown)
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

function isProblem({ result }: Check): boolean {
  return result === 'fail' || result === 'warn'
}

function show(
  context: Context,
  { connector, at, checks, durationMs }: DoctorReport,
  shown: readonly Check[],
): void {
  printChecks(context, shown)
  context.print(`${connector}: ${countsOf(checks)} (${at}, ${(durationMs / 1000).toFixed(1)} s)`)
}
