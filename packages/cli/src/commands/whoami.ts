import type { Command } from 'commander'
import type { KeyKind, Reply } from '@signpost/contract'
import { handler, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { keyScopeText } from '../key-scope-flags.ts'
import { humanDuration, printableLine } from '../text.ts'

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
        context.print(`${words[me.keyKind].padEnd(6)}  ${me.apiKeyId}${scope}`)
        context.print(`until   ${endOf(me)}`)
        for (const { team, role } of me.teams) context.print(`team    ${team} (${role})`)
      }),
    )
}

const words: Readonly<Record<KeyKind, string>> = {
  apiKey: 'key',
  session: 'session',
  accessToken: 'token',
  shareLink: 'link',
}

function endOf({ keyExpiresAt, keyIdleSeconds }: Reply<'getMe'>): string {
  // Older servers do not tell.
  if (keyExpiresAt === undefined || keyIdleSeconds === undefined) return 'this server does not tell'
  const end = keyExpiresAt === null ? 'it is deleted' : keyExpiresAt
  return keyIdleSeconds === null ? end : `${end}, or unused for ${humanDuration(keyIdleSeconds)}`
}
