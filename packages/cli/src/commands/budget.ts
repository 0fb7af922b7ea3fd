import type { Command } from 'commander'
import type { Budget } from '@signpost/contract'
import { withYes, mayDelete, type ConfirmOptions } from '../confirm.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { parseBytes, parseCount } from '../parse.ts'
import { printableLine } from '../text.ts'

interface Owner {
  user?: string
  team?: string
}

interface SetOptions extends Owner {
  urlsPerMinute?: number
  liveWriteBytes?: number
  writeBytesPerDay?: number
}

const columns = {
  OF: (found: Budget) => (found.username === null ? `team ${found.team}` : found.username),
  'URLS A MINUTE': (found: Budget) => usedText(found, 'urlsPerMinute'),
  'LIVE BYTES': (found: Budget) => usedText(found, 'liveWriteBytes'),
  'BYTES A DAY': (found: Budget) => usedText(found, 'writeBytesPerDay'),
}

function usedText({ limits, used }: Budget, name: keyof Budget['limits']): string {
  const max = limits[name]
  return max === undefined ? 'no limit' : `${used[name]} of ${max}`
}

export function addBudget(program: Command, run: Run): void {
  const budget = program.command('budget').description('how much users and teams may have signed')
  owned(budget.command('set').description('set a budget; a limit that is left out is no limit any more'))
    .option('--urls-per-minute <count>', 'URLs in a minute of the clock', parseCount)
    .option(
      '--live-write-bytes <size>',
      'declared bytes of all URLs to write that have not ended',
      parseBytes,
    )
    .option('--write-bytes-per-day <size>', 'declared bytes of URLs to write in a day (UTC)', parseBytes)
    .addHelpText(
      'after',
      examples(
        'signpost budget set --user alice --urls-per-minute 600',
        'signpost budget set --team vision --live-write-bytes 500G --write-bytes-per-day 2T',
      ),
    )
    .action(
      handler(run, async (context, _: [], options: SetOptions) => {
        const { user, team, ...limits } = options
        checkOwner(options)
        if (Object.keys(limits).length === 0)
          throw new UsageError('give --urls-per-minute, --live-write-bytes or --write-bytes-per-day')
        const client = await context.connect()
        const body = {
          limits,
          ...(user === undefined ? {} : { username: user }),
          ...(team === undefined ? {} : { team }),
        }
        context.printList([await client.call('setBudget', { body }, { signal: context.signal })], columns)
      }),
    )
  budget
    .command('list')
    .description('budgets, and what of them is used: your own, those of your teams, or all')
    .addHelpText('after', examples('signpost budget list'))
    .action(handler(run, async (context) => context.printList(await list(context), columns)))
  withYes(owned(budget.command('remove').description('take a budget away: no limit any more')))
    .addHelpText('after', examples('signpost budget remove --user alice'))
    .action(
      handler(run, async (context, _: [], options: Owner & ConfirmOptions) => {
        checkOwner(options)
        const { user, team } = options
        const what = user === undefined ? `team ${team}` : user
        if (!(await mayDelete(context, `the budget of ${what}`, options))) return exitCodes.failed
        const found = (await list(context)).find(
          (one) => one.username === (user ?? null) && one.team === (team ?? null),
        )
        if (!found) {
          context.note(`signpost: ${printableLine(what)} has no budget: see signpost budget list`)
          return exitCodes.notFound
        }
        const client = await context.connect()
        await client.call('deleteBudget', { params: { id: found.id } }, { signal: context.signal })
        if (!context.json) context.print(`removed the budget of ${printableLine(what)}`)
        return exitCodes.ok
      }),
    )
}

function owned(command: Command): Command {
  return command
    .option('--user <username>', 'of this user or service account, in all teams together')
    .option('--team <team>', 'of this team, all its members together')
}

function checkOwner({ user, team }: Owner): void {
  if ((user === undefined) === (team === undefined)) throw new UsageError('give either --user or --team')
}

async function list(context: Context): Promise<Budget[]> {
  const client = await context.connect()
  return everything(client.items('listBudgets', { query: {} }, { signal: context.signal }))
}
