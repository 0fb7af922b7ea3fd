import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { NetworkPlan } from '@signpost/contract'
import { printChecks } from '../check-lines.ts'
import { withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { confirmed } from '../prompt.ts'
import { printableLine } from '../text.ts'

export function addNetwork(program: Command, run: Run): void {
  const network = program
    .command('network')
    .description(
      "hold a connector's list of networks at the bucket too; the list: connector update --network",
    )
  network
    .command('plan')
    .description('what would be set at the bucket, and how that differs from what is there; changes nothing')
    .argument('<connector>')
    .addHelpText('after', examples('signpost network plan vision-bucket'))
    .action(
      handler(run, async (context, [connector]: [string]) => {
        const plan = await planOf(context, connector)
        if (context.json) return context.printJson(plan)
        show(context, plan)
        if (!plan.canApply) showDocuments(context, plan)
      }),
    )
  withYes(
    network
      .command('apply')
      .description(
        "set it, where the store's API allows; statements of others stay. Shows the difference and asks",
      )
      .argument('<connector>'),
  )
    .addHelpText(
      'after',
      examples('signpost network apply vision-bucket', 'signpost network apply --yes vision-bucket'),
    )
    .action(handler(run, apply))
  network
    .command('verify')
    .description('try it from the server: what is allowed must work, and what is not must be refused')
    .argument('<connector>')
    .addHelpText('after', examples('signpost network verify vision-bucket'))
    .action(handler(run, verify))
}

async function planOf(context: Context, connector: string): Promise<NetworkPlan> {
  const client = await context.connect()
  return client.call('planNetwork', { params: { connector } }, { signal: context.signal })
}

function show(context: Context, { networks, difference, notEnforceable, canApply }: NetworkPlan): void {
  context.print(`networks of the connector: ${networks.length === 0 ? 'anywhere' : networks.join(' ')}`)
  for (const line of difference) context.print(coloured(context, printableLine(line)))
  if (canApply && difference.length === 0)
    context.print(
      networks.length === 0 ? 'nothing to set: the bucket is as it should be' : 'the bucket holds it already',
    )
  for (const sentence of notEnforceable) context.print(`note: ${printableLine(sentence)}`)
}

function coloured({ io }: Context, line: string): string {
  if (!io.stdout.isTTY || /^(?:\+\+\+|---)/.test(line)) return line
  const colour = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : undefined
  return colour === undefined ? line : styleText(colour, line, { stream: io.stdout })
}

function showDocuments(context: Context, { documents }: NetworkPlan): void {
  for (const { title, text } of documents.filter(({ format }) => format !== 'terraform')) {
    context.print(`\n${printableLine(title)}, to set by hand:\n`)
    for (const line of text.trimEnd().split('\n')) context.print(printableLine(line))
  }
}

async function apply(
  context: Context,
  [connector]: readonly [string],
  options: ConfirmOptions,
): Promise<number> {
  const plan = await planOf(context, connector)
  // What is asked about is shown, also where the result is to be JSON.
  if (!context.json) show(context, plan)
  else if (!options.yes) for (const line of plan.difference) context.note(printableLine(line))
  if (plan.canApply && plan.difference.length === 0) {
    if (context.json) context.printJson(plan)
    return exitCodes.ok
  }
  if (plan.canApply && !options.yes) {
    if (!context.io.stdin.isTTY)
      throw new UsageError(`give --yes to set the policy of the bucket of ${connector}`)
    if (!(await confirmed(context.io, `Set this at the bucket of ${printableLine(connector)}?`)))
      return exitCodes.failed
  }
  const client = await context.connect()
  const input = { params: { connector }, body: { digest: plan.digest } }
  const after = await client.call('applyNetwork', input, { signal: context.signal })
  if (context.json) context.printJson(after)
  else context.print(`set at the bucket of ${printableLine(connector)}`)
  return exitCodes.ok
}

async function verify(context: Context, [connector]: readonly [string]): Promise<number> {
  const client = await context.connect()
  const found = await client.call('verifyNetwork', { params: { connector } }, { signal: context.signal })
  if (context.json) context.printJson(found)
  else printChecks(context, found.checks)
  return found.ok ? exitCodes.ok : exitCodes.failed
}
