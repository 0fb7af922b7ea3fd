/** `signpost logs plan|apply|verify`: a bucket writes its access log, and it arrives. */
import { setTimeout as wait } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { LogChoice, type LoggingPlan, type LoggingVerification, type LogTarget } from '@signpost/contract'
import { documentsOf, printDocuments, type PoliciesOptions } from './connector-policies.ts'
import { printChecks } from '../check-lines.ts'
import { withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { logSourceLine } from '../log-source-line.ts'
import {
  requireTarget,
  showOtherLogs,
  showPlaceholders,
  showState,
  showWay,
  whichLogs,
} from '../logging-plan-lines.ts'
import { parseDuration } from '../parse.ts'
import { confirmed } from '../prompt.ts'
import { printableLine } from '../text.ts'

interface TargetFlags {
  to?: LogTarget
  log?: LogChoice
}

type PlanFlags = TargetFlags & PoliciesOptions

/** Each look is recorded: fewer, the longer it takes. */
const [lookFirstMs, lookMostMs] = [1000, 60_000]

export function addBucketLogging(logs: Command, run: Run): void {
  withTarget(
    logs
      .command('plan')
      .description('what makes a bucket write its access log, and whether it does; changes nothing')
      .argument('<connector>')
      .option('--document <document>', 'print this one, to use as it is')
      .option('--terraform', 'as Terraform; without --document: all of them')
      .addOption(new Option('--format <format>', 'json or shell').choices(['json', 'shell', 'terraform'])),
  )
    .addHelpText(
      'after',
      examples(
        'signpost logs plan vision-bucket',
        'signpost logs plan vision-bucket --to vision-logs/s3/ --terraform > logging.tf',
        'signpost logs plan vision-bucket --to vision-logs/s3/ --log both --terraform > logging.tf',
        'signpost logs plan vision-bucket --to vision-logs/s3/ --document log-bucket-policy > policy.json',
      ),
    )
    .action(handler(run, plan))
  withYes(
    withTarget(
      logs
        .command('apply')
        .description("switch it on, where the store's API allows; asks first")
        .argument('<connector>'),
    ),
  )
    .addHelpText('after', examples('signpost logs apply vision-bucket --to vision-logs/s3/'))
    .action(handler(run, apply))
  withLog(
    logs
      .command('verify')
      .description('make one marked access, and see whether the log tells of it')
      .argument('<connector>'),
    'the log that it has to arrive in; both: in each; left out: in any',
  )
    .option('--wait <duration>', 'how long to wait for it, such as 10m; left out: not at all', parseDuration)
    .option('--grant <id>', 'look for an access that was made before, instead of making one')
    .addHelpText(
      'after',
      examples(
        'signpost logs verify vision-bucket',
        'signpost logs verify vision-bucket --wait 4h',
        'signpost logs verify vision-bucket --log cloudtrail --wait 20m',
      ),
    )
    .action(handler(run, verify))
}

function withTarget(command: Command): Command {
  const withTo = command.option(
    '--to <bucket/prefix>',
    'where the log files go; left out: where they go now',
    parseTarget,
  )
  return withLog(withTo, 'which log; see below').addHelpText('after', whichLogs)
}

function withLog(command: Command, what: string): Command {
  const choices = [...LogChoice.options].toSorted()
  return command.option('--log <log>', what, (text: string) => {
    const found = choices.find((one) => one === text)
    if (found === undefined) throw new InvalidArgumentError(`is one of ${choices.join(', ')}.`)
    return found
  })
}

function parseTarget(text: string): LogTarget {
  const at = text.indexOf('/')
  return at === -1 ? { bucket: text, prefix: '' } : { bucket: text.slice(0, at), prefix: text.slice(at + 1) }
}

function wantedOf({ to, log }: TargetFlags) {
  return { ...(to === undefined ? {} : { target: to }), ...(log === undefined ? {} : { log }) }
}

async function planOf(context: Context, connector: string, flags: TargetFlags): Promise<LoggingPlan> {
  const client = await context.connect()
  const input = { params: { connector }, body: wantedOf(flags) }
  return client.call('planLogging', input, { signal: context.signal })
}

async function plan(context: Context, [connector]: readonly [string], flags: PlanFlags): Promise<void> {
  const found = await planOf(context, connector, flags)
  if (context.json) return context.printJson(found)
  if (flags.document !== undefined || flags.terraform || flags.format !== undefined) {
    const all = new Map(found.ways.flatMap(({ documents }) => documents).map((one) => [one.text, one]))
    const chosen = documentsOf([...all.values()], flags)
    requireTarget(connector, found, chosen)
    return printDocuments(context, chosen)
  }
  showState(context, found)
  showPlaceholders(context, found)
  const shown = new Set<string>()
  for (const way of found.ways) showWay(context, way, shown)
  showOtherLogs(context, found)
}

async function apply(
  context: Context,
  [connector]: readonly [string],
  flags: TargetFlags & ConfirmOptions,
): Promise<number> {
  const found = await planOf(context, connector, flags)
  const show = context.json ? { ...context, print: context.note } : context
  if (!context.json || !flags.yes) showState(show, found)
  if (found.isSet) {
    if (context.json) context.printJson(found)
    else context.print('nothing to set')
    return exitCodes.ok
  }
  if (found.canApply && !flags.yes) {
    if (!context.io.stdin.isTTY) throw new UsageError(`give --yes to set the access log of ${connector}`)
    if (!(await confirmed(context.io, `Have the bucket of ${printableLine(connector)} log so?`)))
      return exitCodes.failed
  }
  const client = await context.connect()
  const input = { params: { connector }, body: { ...wantedOf(flags), digest: found.digest } }
  const after = await client.call('applyLogging', input, { signal: context.signal })
  if (context.json) {
    context.printJson(after)
    return exitCodes.ok
  }
  context.print(`the bucket of ${printableLine(connector)} logs to ${printableLine(after.current ?? '')}`)
  // What was asked for by name is wanted, also where it is not set from here.
  const ways = after.ways.filter(({ isSetting }) => isSetting || flags.log !== undefined)
  const sources = after.sources.length > 0 ? [] : ways.flatMap((way) => way.sources)
  for (const source of sources) context.print(`have it read: ${printableLine(logSourceLine(source))}`)
  return exitCodes.ok
}

async function verify(
  context: Context,
  [connector]: readonly [string],
  { wait: seconds = 0, grant, log }: { wait?: number; grant?: string; log?: LogChoice },
): Promise<number> {
  const client = await context.connect()
  const logFlag = log === undefined ? {} : { log }
  const ask = (grantId?: string) =>
    client.call(
      'verifyLogging',
      {
        params: { connector },
        body: { ...(grantId === undefined ? {} : { grantId }), ...wantedOf(logFlag) },
      },
      { signal: context.signal },
    )
  let found = await ask(grant)
  const { access } = found
  const until = performance.now() + seconds * 1000
  let pauseMs = lookFirstMs
  if (seconds > 0 && isMissing(found))
    context.note(`waiting for the access to arrive (grant ${access?.grantId}); Ctrl-C ends it`)
  while (access !== null && isMissing(found) && performance.now() < until) {
    await wait(Math.min(pauseMs, Math.max(1, until - performance.now())), undefined, {
      signal: context.signal,
    })
    pauseMs = Math.min(pauseMs * 2, lookMostMs)
    const arrived = await ask(access.grantId)
    const earlier = found.checks.filter(({ name }) => name !== 'logging.arrived')
    found = { ...arrived, checks: [...earlier, ...arrived.checks], ok: found.ok && arrived.ok }
  }
  const isLate = seconds > 0 && isMissing(found)
  if (context.json) context.printJson({ ...found, ok: found.ok && !isLate })
  else {
    printChecks(context, found.checks)
    if (isMissing(found) && found.access !== null)
      context.note(
        `look again with: signpost logs verify ${connector}${log === undefined ? '' : ` --log ${log}`} --grant ${found.access.grantId}`,
      )
  }
  return found.ok && !isLate ? exitCodes.ok : exitCodes.failed
}

function isMissing({ access }: LoggingVerification): boolean {
  return access === null || access.finding === null
}
