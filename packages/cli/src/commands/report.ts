import { Option, type Command } from 'commander'
import { writeFile } from 'node:fs/promises'
import type { SecurityReport } from '@signpost/contract'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { parseInstant } from '../parse.ts'
import { jsonReport, reportFormat, type ReportFormat } from '../report/report-format.ts'
import { plural, printableLine } from '../text.ts'

interface ReportOptions {
  from?: string
  to?: string
  format?: ReportFormat
  out?: string
}

export function addReport(program: Command, run: Run): void {
  program
    .command('report')
    .description('a report of a time, for a security review: what the logs cover, findings, users, refusals')
    .option('--from <time>', 'from this instant, or so long ago; 30 days unless told', parseInstant)
    .option('--to <time>', 'before this instant; now unless told', parseInstant)
    .addOption(
      new Option('--format <format>', 'md unless told, or as the ending of --out says').choices([
        'md',
        'html',
        'csv',
        'json',
      ]),
    )
    .option('-o, --out <file>', 'into a file, for your eyes only, instead of standard output')
    .addHelpText(
      'after',
      examples(
        'signpost report --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --out november.html',
        'signpost report --from 7d --format md',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: ReportOptions) => {
        const { from, to, out } = options
        const format = reportFormat(options, context.json)
        const query = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
        const client = await context.connect()
        const report = await client.call('getSecurityReport', { query }, { signal: context.signal })
        const text = await written(report, format, context.json)
        if (out === undefined) return void context.io.stdout.write(text)
        await writeFile(out, text, { mode: 0o600 })
        if (context.json) context.printJson({ file: out, findings: report.numbers.findings })
        else context.print(`${plural(report.numbers.findings, 'finding')} in ${printableLine(out)}`)
        for (const note of report.notes) context.note(printableLine(note))
      }),
    )
}

/** Each is loaded when it is asked for. */
async function written(report: SecurityReport, format: ReportFormat, isJson: boolean): Promise<string> {
  if (format === 'html') return (await import('../report/html.ts')).htmlReport(report)
  if (format === 'csv') return (await import('../report/csv-report.ts')).csvReport(report)
  if (format === 'json') return jsonReport(report, isJson)
  return (await import('../report/markdown.ts')).markdownReport(report)
}
