import type { Command } from 'commander'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'

export function addSecrets(program: Command, run: Run): void {
  const secrets = program.command('secrets').description('stored credentials of buckets')
  secrets
    .command('rotate')
    .description(
      'seal every stored credential anew, after the server was started with a new master key and the one before it',
    )
    .addHelpText('after', examples('signpost secrets rotate'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const done = await client.call('rotateSecrets', {}, { signal: context.signal })
        if (context.json) return context.printJson(done)
        context.print(
          `sealed anew: ${done.sealed}; sealed with the present key already: ${done.already}. The key before is needed no longer than a day, for calls that are repeated with their Idempotency-Key`,
        )
      }),
    )
}
