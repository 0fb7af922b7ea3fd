import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { PersonErasure } from '@signpost/contract'
import { withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { confirmed } from '../prompt.ts'
import { printableLine } from '../text.ts'
import { writeWhole } from '../whole-file.ts'

interface EraseOptions extends ConfirmOptions {
  reason: string
  keys?: true
}

export function addPerson(program: Command, run: Run): void {
  const person = program.command('person').description('what is known of somebody: to show, and to erase')
  person
    .command('data')
    .description('all that is known of a user, there or deleted, as NDJSON; never a secret')
    .argument('<username>')
    .option('-o, --output <file>', 'into a file instead of standard output')
    .addHelpText('after', examples('signpost person data alice --output alice.ndjson'))
    .action(
      handler(run, (context, [username]: [string], options: { output?: string }) =>
        data(context, username, options),
      ),
    )
  withYes(
    person
      .command('erase')
      .description('erase a deleted user from the audit trail and access log records; the chains stay whole')
      .argument('<username>')
      .requiredOption('--reason <text>', 'stands in the trail for good: do not name the person')
      .option('--keys', 'object keys of what they did, too'),
  )
    .addHelpText('after', examples('signpost person erase alice --reason "request 12 of 2026, GDPR art. 17"'))
    .action(
      handler(run, (context, [username]: [string], options: EraseOptions) =>
        erase(context, username, options),
      ),
    )
}

async function data(context: Context, username: string, { output }: { output?: string }): Promise<void> {
  const { signal, io } = context
  const client = await context.connect()
  let count = 0
  const lines = async function* () {
    for await (const line of client.stream('exportPersonData', { params: { username } }, { signal })) {
      count += 1
      yield `${JSON.stringify(line)}\n`
    }
  }
  if (output === undefined) await pipeline(Readable.from(lines()), io.stdout, { signal, end: false })
  else await writeWhole(lines(), output, signal)
  if (count === 0) context.note(`nothing is known of ${printableLine(username)}: is the name spelt so?`)
  if (output === undefined) return
  if (context.json) context.printJson({ file: output, lines: count })
  else context.print(`${count} lines in ${output}`)
}

async function erase(context: Context, username: string, options: EraseOptions): Promise<void> {
  const { reason, keys = false, yes } = options
  if (!yes && !context.io.stdin.isTTY) throw new UsageError(`give --yes to erase ${printableLine(username)}`)
  const client = await context.connect()
  const ask = (confirm?: string) =>
    client.call(
      'erasePerson',
      { params: { username }, body: { reason, keys, ...(confirm === undefined ? {} : { confirm }) } },
      { signal: context.signal },
    )
  const counted = await ask()
  if (!context.json) context.print(`would erase ${textOf(counted)}`)
  if (!yes && !(await confirmed(context.io, 'This cannot be undone. Erase it?')))
    return context.note('nothing was erased')
  let last = counted
  const all = { events: 0, accessLogRecords: 0, unparsedLines: 0, answers: 0 }
  while (last.confirm !== null) {
    last = await ask(last.confirm)
    all.events += last.events
    all.accessLogRecords += last.accessLogRecords
    all.unparsedLines += last.unparsedLines
    all.answers += last.answers
  }
  const result = { ...last, ...all }
  if (context.json) context.printJson(result)
  else context.print(`erased ${textOf(result)}; in their place stands ${result.erasure}`)
  context.note(
    'Not reached: exports and copies made before, audit sinks, backups, the buckets and their own logs.',
  )
}

function textOf({ events, accessLogRecords, unparsedLines, answers, held }: PersonErasure): string {
  const kept = held === 0 ? '' : `; ${held} are held and stay`
  return `${events} audit events, ${accessLogRecords} access log records, ${unparsedLines} unreadable lines, ${answers} answers to findings and alerts${kept}`
}
