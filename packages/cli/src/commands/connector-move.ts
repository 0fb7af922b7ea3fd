import type { Command } from 'commander'
import type { Reply } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { openMoveBar } from '../move-bar.ts'
import { humanBytes, printableLine } from '../text.ts'

type Move = Reply<'getMove'>

interface MoveOptions {
  prefix?: string
  wait?: true
  status?: true
  cancel?: true
}

const pollMs = 500

const rules = `
  Copies while the team goes on working, then switches to the new place in one step. After that the last URLs that
  were given to write into the old place may still be used: what comes by them is copied too, until they have ended.
  The copying is the server's: this command shows it, and may be stopped and called again with --status.
  What is left in the old place is its owner's to delete.`

export function addMove(connector: Command, run: Run): void {
  connector
    .command('move')
    .description("move a team's objects to another bucket or prefix, while it works")
    .argument('<team>')
    .argument('[connector]', 'where they go')
    .option('--prefix <prefix>', 'prefix there, such as vision/; unless told the one that the team has')
    .option('--wait', 'until the last URL of the old place has ended, not only until the switch')
    .option('--status', 'only say how far it is')
    .option('--cancel', 'give it up, while it copies')
    .addHelpText(
      'after',
      rules +
        '\n' +
        examples(
          'signpost connector move vision new-bucket',
          'signpost connector move --prefix teams/vision/ vision new-bucket',
          'signpost connector move --status vision',
        ),
    )
    .action(
      handler(run, async (context, [team, to]: [string, string | undefined], options: MoveOptions) => {
        const params = { team }
        const { signal } = context
        const client = await context.connect()
        if (options.status || options.cancel) {
          if (to !== undefined) throw new UsageError('--status and --cancel take the team alone')
          const id = options.cancel ? 'cancelMove' : 'getMove'
          return show(context, await client.call(id, { params }, { signal }))
        }
        if (to === undefined) throw new UsageError('name the connector that the objects go to')
        const { prefix } = options
        const body = { connector: to, ...(prefix === undefined ? {} : { prefix }) }
        const started = await client.call('startMove', { params, body }, { signal })
        const look = async () => client.call('getMove', { params }, { signal })
        return follow(context, started, look, options.wait ?? false)
      }),
    )
}

/** Until the switch, or the end. What is shown on the way is beside the result. */
async function follow(
  context: Context,
  started: Move,
  look: () => Promise<Move>,
  toTheEnd: boolean,
): Promise<number> {
  const bar = context.io.stderr.isTTY ? await openMoveBar(context.io.stderr as NodeJS.WriteStream) : undefined
  let move = started
  let shown = ''
  try {
    while (move.state === 'copying' || (toTheEnd && move.state === 'settling')) {
      bar?.update(move)
      if (context.json && JSON.stringify(move) !== shown) context.printJson(move)
      shown = JSON.stringify(move)
      await pause(pollMs, context.signal)
      move = await look()
    }
  } finally {
    bar?.stop()
    if (context.signal.aborted)
      context.note('signpost: the move goes on; see signpost connector move --status')
  }
  return show(context, move)
}

function show(context: Context, move: Move): number {
  if (context.json) context.printJson(move)
  else for (const line of linesOf(move)) context.print(printableLine(line))
  return move.state === 'failed' ? exitCodes.failed : exitCodes.ok
}

function linesOf(move: Move): string[] {
  const { state, objectsCopied, bytesCopied, objectsSeen, problem, settlesAt } = move
  const where = `${move.team}: ${move.fromConnector} ${move.fromPrefix} -> ${move.toConnector} ${move.toPrefix}`
  const copied = `${objectsCopied} copied (${humanBytes(bytesCopied)}), ${objectsSeen} seen in the old place`
  const settles = state === 'settling' && settlesAt !== null ? [`settles until ${settlesAt}`] : []
  return [where, `${state}; ${copied}`, ...settles, ...(problem === null ? [] : [`stands still: ${problem}`])]
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
