import type { Command } from 'commander'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { keyScopeText } from '../key-scope-flags.ts'
import { printableLine } from '../text.ts'

export function addWhoami(program: Command, run: Run): void {
  program
    .command('whoami')
    .description('who the server takes you for, and your teams')
    .addHelpText('after', examples('signpost whoami', 'signpost whoami --json'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const me = await client.call('getMe', {}, { signal: context.signal })
        if (context.json) return context.printJson(me)
        const kind = me.kind === 'user' ? 'user' : 'service account'
        context.print(`${printableLine(me.username)} (${kind}, organisation ${me.organisationRole})`)
        context.print(`server  ${(await context.settings()).url}`)
        const scope = me.keyScope === null ? '' : `, for ${keyScopeText(me.keyScope)}`
        context.print(`${me.keyKind === 'accessToken' ? 'token ' : 'key   '}  ${me.apiKeyId}${scope}`)
        for (const { team, role } of me.teams) context.print(`team    ${team} (${role})`)
      }),
    )
}
