import type { Command } from 'commander'
import type { UnparsedLine } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Run } from '../context.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { parsePositive } from '../parse.ts'
import { plural, printableLine } from '../text.ts'

interface ListOptions {
  source?: string
  file?: string
  reason?: string
  limit: number
}

const columns = {
  SOURCE: (one: UnparsedLine) => one.source,
  FILE: (one: UnparsedLine) => one.file,
  LINE: (one: UnparsedLine) => one.line,
  REASON: (one: UnparsedLine) => one.reason,
  TEXT: ({ text }: UnparsedLine) => (text.length > 120 ? `${text.slice(0, 120)}…` : text),
}

export function addUnparsedLines(logs: Command, run: Run): void {
  logs
    .command('unparsed')
    .description('lines of log files that could not be read, those of the newest file first')
    .option('--source <name>', 'only of this log source')
    .option('--file <name>', 'only of files of this name')
    .option('--reason <reason>', 'only with this reason, such as fields')
    .option('-n, --limit <count>', 'how many', parsePositive, 20)
    .addHelpText(
      'after',
      examples(
        'signpost logs unparsed --source prod-logs',
        'signpost logs unparsed --file access.log --limit 1000 --json | jq -r .text',
      ),
    )
    .action(
      handler(run, async (context, _: [], { source, file, reason, limit }: ListOptions) => {
        const query = {
          limit: Math.min(limit, 1000),
          ...(source === undefined ? {} : { source }),
          ...(file === undefined ? {} : { file }),
          ...(reason === undefined ? {} : { reason }),
        }
        const client = await context.connect()
        const found = client.items('listUnparsedLines', { query }, { signal: context.signal })
        const lines = await everything(found, limit)
        if (lines.length === 0 && !context.json) return context.note('no such lines')
        context.printList(lines, columns)
      }),
    )
  withYes(
    logs
      .command('dismiss')
      .description('take away the lines of a log source that could not be read, and count them no more')
      .argument('<source>')
      .option('--file <name>', "only of files of this name; left out: of all the source's files"),
  )
    .addHelpText('after', examples('signpost logs dismiss uploads --file holiday.jpg --yes'))
    .action(
      handler(
        run,
        async (context, [name]: [string], { file, ...options }: ConfirmOptions & { file?: string }) => {
          const of = file === undefined ? `log source ${name}` : `${file} in log source ${name}`
          if (!(await mayDelete(context, `what could not be read of ${of}`, options))) return exitCodes.failed
          const query = file === undefined ? {} : { file }
          const client = await context.connect()
          const input = { params: { name }, query }
          const done = await client.call('dismissUnparsedLines', input, { signal: context.signal })
          if (context.json) context.printJson(done)
          else
            context.print(
              `${plural(done.lines, 'line')} of ${plural(done.files, 'file')} dismissed in ${printableLine(name)}`,
            )
          return exitCodes.ok
        },
      ),
    )
}
