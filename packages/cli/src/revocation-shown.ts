/** A plan of revocation and its outcome, for people. */
import type { RevocationOutcome, RevocationPlan, RevocationStep } from '@signpost/contract'
import type { Context } from './context.ts'
import { humanDuration, printable, printableLine } from './text.ts'

export function showPlan(context: Context, { live, steps, cannot }: RevocationPlan): void {
  const most = live.complete ? '' : ' at least: there are more events than were read'
  const last = live.lastExpiresAt === null ? '' : `, the last until ${live.lastExpiresAt}`
  context.print(`live URLs: ${live.grants}${most}${last}`)
  if (live.byRequester.length > 0) {
    context.printList(live.byRequester, {
      REQUESTER: (one) => one.username,
      TEAM: (one) => one.team,
      CONNECTOR: (one) => one.connector,
      ACTION: (one) => one.action,
      URLS: (one) => one.grants,
      'LAST UNTIL': (one) => one.lastExpiresAt,
    })
  }
  context.print('')
  for (const sentence of cannot) context.print(`cannot: ${printableLine(sentence)}`)
  if (cannot.length > 0) context.print('')
  context.printList(steps, {
    STEP: (one) => one.step,
    AT: (one) => one.connector ?? 'signpost',
    CAN: (one) => one.can,
    STOPS: (one) => one.stops,
    WITHIN: within,
    ENDS: endsOf,
  })
  context.print('')
  for (const one of steps) context.print(`${nameOf(one)}: ${printableLine(one.detail)}`)
}

function within({ can, effectSeconds }: RevocationStep): string {
  if (can === 'no') return '-'
  if (effectSeconds === null) return 'not said'
  return effectSeconds === 0 ? 'at once' : humanDuration(effectSeconds)
}

export function endsOf({ touches: { grants, usernames } }: Pick<RevocationStep, 'touches'>): string {
  if (grants === 0) return '-'
  return `${grants} URL${grants === 1 ? '' : 's'} of ${usernames.length} user${usernames.length === 1 ? '' : 's'}`
}

export function nameOf({ step, connector }: Pick<RevocationStep, 'step' | 'connector'>): string {
  return connector === null ? step : `${step} at ${printableLine(connector)}`
}

/** What stops new URLs alone leaves live ones as they were: `refused` by itself would be read as more. */
const stopsNewAlone: ReadonlySet<string> = new Set(['stop-issuing', 'delete-keys'])

function trialOf({ step, verified }: RevocationOutcome['steps'][number]): string {
  return stopsNewAlone.has(step) && verified !== 'not-tried' ? `lives on; a new one: ${verified}` : verified
}

export function showOutcome(context: Context, { id, steps }: RevocationOutcome): void {
  context.printList(steps, {
    STEP: (one) => one.step,
    AT: (one) => one.connector ?? 'signpost',
    OUTCOME: (one) => one.outcome,
    'A LIVE URL': trialOf,
  })
  context.print('')
  for (const one of steps) context.print(`${nameOf(one)}: ${printableLine(one.detail)}`)
  for (const one of steps) {
    if (one.document === null) continue
    context.print(`\n${nameOf(one)}, by hand:\n`)
    for (const line of printable(one.document).split('\n')) context.print(line)
  }
  context.note(`recorded as revocation ${id}`)
}
