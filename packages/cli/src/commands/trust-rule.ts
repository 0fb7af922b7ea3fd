import type { Command } from 'commander'
import type { CallInput, Reply } from '@signpost/contract'
import { mayDelete, withYes, type ConfirmOptions } from '../confirm.ts'
import { handler, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { everything } from '../everything.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { keyScopeText } from '../key-scope-flags.ts'
import { readSecretFile } from '../server-settings.ts'
import { printableLine } from '../text.ts'
import {
  conditionsText,
  inRuleOptions,
  trustRuleOf,
  withTrustRuleFlags,
  type TrustRuleFlags,
} from '../trust-rule-flags.ts'

type TrustRule = Reply<'createTrustRule'>

const columns = {
  NAME: (rule: TrustRule) => rule.name,
  STATE: (rule: TrustRule) => (rule.enabled ? 'active' : 'stopped'),
  FOR: (rule: TrustRule) => rule.username,
  ISSUER: (rule: TrustRule) => rule.issuer,
  AUDIENCE: (rule: TrustRule) => rule.audience,
  CLAIMS: (rule: TrustRule) => conditionsText(rule.conditions),
  'MAY BE USED FOR': (rule: TrustRule) => keyScopeText(rule.scope ?? null),
}

export function addTrustRule(program: Command, run: Run): void {
  const rule = program
    .command('trust-rule')
    .description("which workloads' own tokens are taken instead of keys, and for whom")
  addMaking(rule, run)
  rule
    .command('list')
    .description('all trust rules; the first by name that takes a token counts')
    .addHelpText('after', examples('signpost trust-rule list'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const rules = client.items('listTrustRules', { query: {} }, { signal: context.signal })
        context.printList(await everything(rules), columns)
      }),
    )
  addChanging(rule, run)
  withYes(
    rule
      .command('remove')
      .description('forget a trust rule; the access tokens that came by it end')
      .argument('<name>'),
  )
    .addHelpText('after', examples('signpost trust-rule remove deploy'))
    .action(
      handler(run, async (context, [name]: [string], options: ConfirmOptions) => {
        if (!(await mayDelete(context, `trust rule ${name}`, options))) return exitCodes.failed
        const client = await context.connect()
        await client.call('deleteTrustRule', { params: { name } }, { signal: context.signal })
        if (!context.json) context.print(`removed trust rule ${printableLine(name)}`)
      }),
    )
  addTest(rule, run)
}

function addMaking(rule: Command, run: Run): void {
  withTrustRuleFlags(
    rule.command('add').description('take the tokens of an issuer for a service account').argument('<name>'),
    true,
  )
    .addHelpText(
      'after',
      examples(
        'signpost trust-rule add deploy --issuer https://token.actions.githubusercontent.com --audience signpost \\',
        '    --claim repository=acme/model --claim ref=refs/heads/main --for deployer --write --team vision',
        'signpost trust-rule add jobs --issuer https://oidc.example.com/cluster --audience signpost \\',
        "    --claim-matches 'sub=system:serviceaccount:ml:*' --for trainer",
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: TrustRuleFlags) => {
        const said = await trustRuleOf(flags)
        if (said.conditions === undefined)
          throw new UsageError('say which workloads: give --claim or --claim-matches')
        const client = await context.connect()
        const body = { ...said, name } as CallInput<'createTrustRule'>['body']
        const made = client.call('createTrustRule', { body }, { signal: context.signal })
        context.printList([await inRuleOptions(made)], columns)
      }),
    )
}

interface ChangeFlags extends TrustRuleFlags {
  active?: boolean
  allScopes?: true
  discovery?: true
}

function addChanging(rule: Command, run: Run): void {
  withTrustRuleFlags(
    rule
      .command('update')
      .description('change, stop or start a trust rule; the access tokens that came by it end')
      .argument('<name>'),
    false,
  )
    .option('--no-allow-internal', 'the issuer may not be at an internal address')
    .option('--all-scopes', 'its tokens may be used for whatever the service account may')
    .option('--discovery', 'take the keys that the issuer shows, none from a file')
    .option('--active', 'let it count again')
    .option('--no-active', 'stop it now')
    .addHelpText(
      'after',
      examples(
        'signpost trust-rule update deploy --claim repository=acme/model --read',
        'signpost trust-rule update deploy --no-active',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], flags: ChangeFlags) => {
        const body = {
          ...(await trustRuleOf(flags)),
          ...(flags.allScopes ? { scope: null } : {}),
          ...(flags.discovery ? { jwks: null } : {}),
          ...(flags.active === undefined ? {} : { enabled: flags.active }),
        }
        if (Object.keys(body).length === 0) throw new UsageError('nothing to change: give an option')
        const client = await context.connect()
        const input = { params: { name }, body }
        const changed = client.call('updateTrustRule', input, { signal: context.signal })
        context.printList([await inRuleOptions(changed)], columns)
      }),
    )
}

function addTest(rule: Command, run: Run): void {
  rule
    .command('test')
    .description('would this token be taken, and by which rule? Gives none, and keeps nothing of it')
    .argument('<file>', "file with the workload's token; - for standard input")
    .addHelpText('after', examples('signpost trust-rule test /var/run/secrets/tokens/signpost'))
    .action(
      handler(run, async (context, [file]: [string]) => {
        const token = (await readSecretFile(context.io, file, 'the token')).trim()
        const client = await context.connect()
        const found = await client.call('testTrustRules', { body: { token } }, { signal: context.signal })
        if (context.json) context.printJson(found)
        else {
          context.print(
            found.accepted === null
              ? `taken by no rule${found.rules.length === 0 ? ': there is none' : ''}`
              : printableLine(`taken by ${found.accepted}, for ${found.username}`),
          )
          for (const { name, problem } of found.rules)
            context.print(printableLine(`  ${name}: ${problem ?? 'all holds'}`))
          for (const [claim, value] of Object.entries(found.claims))
            context.print(printableLine(`  claim ${claim}=${JSON.stringify(value)}`))
        }
        return found.accepted === null ? exitCodes.failed : exitCodes.ok
      }),
    )
}
