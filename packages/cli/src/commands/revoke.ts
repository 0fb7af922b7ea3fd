import { InvalidArgumentError, Option, type Command } from 'commander'
import type {
  RevocationOutcome,
  RevocationPlan,
  RevocationStep,
  RevocationStepName,
  RevocationTarget,
} from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { nearest } from '../nearest.ts'
import { askLine, confirmed } from '../prompt.ts'
import { endsOf, nameOf, showOutcome, showPlan } from '../revocation-shown.ts'

interface Options {
  user?: string
  team?: string
  key?: string
  grant?: string
  step?: RevocationStepName[]
  connector?: string
  allNow?: true
  reason?: string
  undo?: true
  yes?: true
}

/** In the order of the ladder. Written out: the contract is loaded when the server is called. */
const revocationSteps = Object.keys({
  'stop-issuing': true,
  'delete-keys': true,
  'deny-requester': true,
  'end-sessions': true,
  'deactivate-hmac-key': true,
  'revoke-delegation-keys': true,
  'remove-access-policy': true,
  'rotate-credential': true,
  'move-object': true,
  'delete-object': true,
} satisfies Record<RevocationStepName, true>) as RevocationStepName[]

export function addRevoke(program: Command, run: Run): void {
  program
    .command('revoke')
    .description(
      'take back what was given: shows which URLs are live, and what each step could do about them, how soon and to whom else. Without --step or --all-now nothing is changed, unless you choose on the terminal',
    )
    .option('--user <username>', 'what this user or service account was given')
    .option('--team <team>', 'what was given in this team')
    .option('--key <key>', 'what was given for this object, relative to --team')
    .option('--grant <id>', 'this URL, by its grant id')
    .addOption(
      new Option('--step <step>', `do this; may be given again: ${revocationSteps.join(', ')}`).argParser(
        collectStep,
      ),
    )
    .option('--connector <name>', 'do the steps at this bucket alone')
    .option(
      '--all-now',
      "do every step that can be done now and ends nobody else's URLs; objects stay where they are",
    )
    .option('--reason <text>', 'why; stands in the audit events, and is shown to whoever is refused')
    .option('--undo', 'take back what deny-requester or end-sessions set; with --step and --connector')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'signpost revoke --user alice',
        'signpost revoke --user alice --all-now --reason "laptop was stolen"',
        'signpost revoke --user alice --step deny-requester --connector vision --undo --reason "found again"',
        'signpost revoke --team vision --key models/7.bin --step stop-issuing --step delete-object --reason leaked',
      ),
    )
    .action(handler(run, (context, _: [], options: Options) => revoke(context, options)))
}

function collectStep(value: string, before: RevocationStepName[] | undefined): RevocationStepName[] {
  const step = revocationSteps.find((one) => one === value)
  if (step) return [...(before ?? []), step]
  const near = nearest(value, revocationSteps)
  throw new InvalidArgumentError(
    near === undefined ? `Steps are: ${revocationSteps.join(', ')}.` : `Did you mean ${near}?`,
  )
}

async function revoke(context: Context, options: Options): Promise<number> {
  const target = targetOf(options)
  checkOptions(options)
  const client = await context.connect()
  const signal = { signal: context.signal }
  // What is undone need not be live any more: the plan has nothing to say of it.
  const plan = options.undo ? undefined : await client.call('planRevocation', { body: { target } }, signal)
  if (plan && !context.json) showPlan(context, plan)
  const steps = plan ? await stepsOf(context, plan, options) : undoneOf(options)
  if (steps.length === 0) {
    if (context.json) context.printJson(plan)
    return exitCodes.ok
  }
  const reason = options.reason ?? (await askedReason(context))
  if (!(await mayDo(context, steps, options))) return exitCodes.failed
  const asked = steps.map(({ step, connector }) => ({ step, ...(connector === null ? {} : { connector }) }))
  const body = { target, steps: asked, reason, ...(options.undo ? { undo: true } : {}) }
  const outcome = await client.call('revoke', { body }, signal)
  if (context.json) context.printJson(outcome)
  else {
    context.print('')
    showOutcome(context, outcome)
  }
  return isHeld(outcome) ? exitCodes.ok : exitCodes.failed
}

/** What is to be done by hand has not failed. */
function isHeld({ steps }: RevocationOutcome): boolean {
  return steps.every(({ outcome, verified }) => outcome !== 'failed' && verified !== 'still-works')
}

function targetOf({ user, team, key, grant }: Options): RevocationTarget {
  if (user === undefined && team === undefined && grant === undefined)
    throw new UsageError('say what is to be taken back: --user, --team (and --key), or --grant')
  if (key !== undefined && team === undefined && grant === undefined)
    throw new UsageError('--key goes with --team')
  return {
    ...(user === undefined ? {} : { username: user }),
    ...(team === undefined ? {} : { team }),
    ...(key === undefined ? {} : { key }),
    ...(grant === undefined ? {} : { grantId: grant }),
  }
}

function checkOptions({ step, connector, allNow, undo }: Options): void {
  if (undo && (step === undefined || connector === undefined || allNow))
    throw new UsageError('--undo goes with --step and --connector')
  if (allNow && step !== undefined) throw new UsageError('give --step or --all-now, not both')
}

type Chosen = Pick<RevocationStep, 'step' | 'connector'> & Partial<Pick<RevocationStep, 'touches'>>

function undoneOf({ step = [], connector = '' }: Options): Chosen[] {
  return step.map((one) => ({ step: one, connector }))
}

async function stepsOf(context: Context, plan: RevocationPlan, options: Options): Promise<Chosen[]> {
  const { step: named, connector, allNow } = options
  const at = plan.steps.filter((one) => connector === undefined || (one.connector ?? connector) === connector)
  if (allNow) return at.filter((one) => endsNobodyElses(plan, one))
  if (named) {
    // What is no step here is said by the server, beside the outcome of the others.
    const absent = named.filter((name) => at.every(({ step }) => step !== name))
    return [
      ...at.filter(({ step }) => named.includes(step)),
      ...absent.map((step) => ({ step, connector: connector ?? null })),
    ]
  }
  if (context.json || !context.io.stdin.isTTY) return []
  const answer = await askLine(context.io, '\nSteps to do, by name (none: nothing is changed): ')
  const names = answer.split(/[\s,]+/).filter((name) => name !== '')
  const unknown = names.find((name) => at.every(({ step }) => step !== name))
  if (unknown !== undefined) throw new UsageError(`${unknown}: is no step of this plan`)
  return at.filter(({ step }) => names.includes(step))
}

const ofObjects: readonly RevocationStepName[] = ['move-object', 'delete-object']

function endsNobodyElses({ target, live }: RevocationPlan, { step, can, touches }: RevocationStep): boolean {
  if (can !== 'now' || ofObjects.includes(step)) return false
  const own = target.username ?? (target.grantId === undefined ? undefined : live.byRequester[0]?.username)
  return touches.usernames.every((name) => name === own)
}

async function askedReason({ io }: Context): Promise<string> {
  if (!io.stdin.isTTY) throw new UsageError('give --reason: it stands in the audit events')
  const reason = await askLine(io, 'Reason: ')
  if (reason === '') throw new UsageError('give a reason: it stands in the audit events')
  return reason
}

async function mayDo(context: Context, steps: readonly Chosen[], options: Options): Promise<boolean> {
  if (options.yes) return true
  const all = steps.map((one) => {
    const ends = one.touches ? endsOf({ touches: one.touches }) : '-'
    return `${nameOf(one)}${ends === '-' ? '' : ` (ends ${ends})`}`
  })
  const what = `${options.undo ? 'take back ' : ''}${all.join(', ')}`
  if (!context.io.stdin.isTTY) throw new UsageError(`give --yes to do this: ${what}`)
  return confirmed(context.io, `Do this: ${what}?`)
}
