import type { Command } from 'commander'
import type { TraceLine } from '@signpost/contract'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { parseInstant } from '../parse.ts'
import { humanBytes, printableLine } from '../text.ts'

export function addTrace(program: Command, run: Run): void {
  program
    .command('trace')
    .description('everything that one user was given and did, in the order of time')
    .argument('<username>')
    .option('--from <time>', 'from this instant, or so long ago; 30 days unless told', parseInstant)
    .option('--to <time>', 'before this instant; now unless told', parseInstant)
    .addHelpText(
      'after',
      examples('signpost trace alice --from 7d', 'signpost trace ci --json | jq \'select(.kind=="claim")\''),
    )
    .action(
      handler(run, async (context, [username]: [string], { from, to }: { from?: string; to?: string }) => {
        const query = {
          username,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        }
        const client = await context.connect()
        let count = 0
        for await (const line of client.stream('traceUser', { query }, { signal: context.signal })) {
          count += 1
          if (context.json) context.printJson(line)
          else context.print(printableLine(textOf(line)))
        }
        if (count === 0 && !context.json) context.note('nothing in that time')
      }),
    )
}

function textOf({ at, kind, event, access, claim }: TraceLine): string {
  if (event) {
    const { type, decision, reason, method, key, team, address } = event.event
    const object = key === undefined ? (team ?? '') : `${method ?? ''} ${key}`.trim()
    return [at, 'asked ', decision, type, object, `(${reason})`, from(address)].filter(Boolean).join(' ')
  }
  if (!access) return `${at} ${kind}`
  const { finding, key = '', bytes, address, evidence } = access
  const size = bytes === undefined ? '' : humanBytes(bytes)
  const status = evidence.status === undefined ? '' : String(evidence.status)
  const did = [evidence.action, key, status, size, from(address)].filter(Boolean).join(' ')
  if (kind === 'access') return `${at} did    ${did} (${finding})`
  const only = claim === 'claimed' ? 'only named by the URL' : 'one of those who had a URL for it'
  return `${at} CLAIM  ${did} (${finding}; ${only}: proves nothing)`
}

function from(address: string | undefined): string {
  return address === undefined ? '' : `from ${address}`
}
