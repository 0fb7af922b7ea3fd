import type { Command } from 'commander'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'

const sentences = {
  waiting:
    'nothing was found that this grant has written (yet); it is looked at again when the URL has ended',
  absent: 'nothing was written with this grant, or something else has taken its place',
  passed: 'the object is what was promised',
} as const

export function addVerify(program: Command, run: Run): void {
  program
    .command('verify')
    .description('report a write whose URL said verified-after, and have the object looked at')
    .argument('<team>', 'name of the team')
    .argument('<grant>', 'grantId, from the answer with the URL (sign --json)')
    .addHelpText(
      'after',
      `
  cp does this by itself. The exit code is 1 when the object is not what was promised.
` + examples('signpost verify vision 0190a1b2-0000-7000-8000-000000000001'),
    )
    .action(
      handler(run, async (context, [team, grantId]: [string, string]) => {
        const client = await context.connect()
        const found = await client.verify(team, grantId, { signal: context.signal })
        const { state, failed, outcome } = found
        const exitCode = state === 'failed' ? exitCodes.failed : exitCodes.ok
        if (context.json) {
          context.printJson(found)
          return exitCode
        }
        const what = outcome === null ? '' : `; the object was ${outcome}`
        context.print(
          state === 'failed' ? `failed: ${failed.join(', ')}${what}` : `${state}: ${sentences[state]}`,
        )
        return exitCode
      }),
    )
}
