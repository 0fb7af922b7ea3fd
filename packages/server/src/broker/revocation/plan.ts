/** The ladder for what is out there: what each step could do, how soon, and to whom else. */
import { revocationSteps, type RevocationPlan, type RevocationStep } from '@signpost/contract'
import { isoOf, isoOrNull } from '../../domain/instant.ts'
import type { BucketStep } from '../../domain/revocation.ts'
import type { LiveGrant } from '../../store/live-grants.ts'
import { ownSteps } from './own-steps.ts'
import type { Place, Situation } from './situation.ts'
import { touchesOf } from './touches.ts'

export function planOf(situation: Situation): RevocationPlan {
  const { live, liveComplete, places, unopened } = situation
  const steps = [
    ...ownSteps(situation),
    ...places.flatMap((place) => place.ladder.steps.map((step) => shownStep(situation, place, step))),
  ]
  return {
    target: situation.target,
    live: {
      grants: live.length,
      lastExpiresAt: isoOrNull(lastOf(live)),
      byRequester: byRequester(live),
      complete: liveComplete,
    },
    steps: steps.toSorted((a, b) => rung(a) - rung(b)),
    cannot: [
      ...(live.length === 0 && liveComplete ? ['No URL of this is live: nothing is to be taken back.'] : []),
      ...places.flatMap((place) => (mayShow(situation, place) ? place.ladder.cannot : [shortCannot(place)])),
      ...unopened,
    ],
  }
}

const rung = ({ step }: RevocationStep) => revocationSteps.indexOf(step)

/** The connector of the organisation, or of another team, is no business of a team's admins, beside what it does to them. */
function mayShow({ onlyTeam, team }: Situation, { row }: Place): boolean {
  return onlyTeam === undefined || row.team_id === team?.id
}

function shortCannot({ row, ladder }: Place): string {
  const deny = ladder.steps.find(({ step }) => step === 'deny-requester')
  return deny !== undefined && deny.can !== 'no'
    ? `${row.name}: no single URL can be taken back, but all of one requester's.`
    : `${row.name}: neither a single URL nor a single requester's can be taken back: all of its URLs end together, or their object is moved or deleted.`
}

function shownStep(situation: Situation, place: Place, step: BucketStep): RevocationStep {
  const { can, stops, effectSeconds } = step
  const touches = touchesOf(situation, can === 'no' ? 'nobody' : step.reach, place)
  const others = touches.usernames.filter((name) => name !== situation.username)
  const base = { step: step.step, connector: place.row.name, can, stops, effectSeconds, touches }
  if (!mayShow(situation, place))
    return {
      ...base,
      detail: `For those who may revoke in the organisation, whose connector it is.${step.reach === 'requester' || can === 'no' ? '' : ' It ends URLs of other teams too, which are not counted here.'}`,
      document: null,
    }
  const spread =
    others.length > 0 && can !== 'no'
      ? ` Live URLs of ${others.length === 1 ? 'one other' : `${others.length} others`} end by it too.`
      : ''
  const least = situation.allComplete || can === 'no' ? '' : ' More than were counted may end by it.'
  return { ...base, detail: `${step.detail}${spread}${least}`, document: step.document }
}

function byRequester(live: readonly LiveGrant[]): RevocationPlan['live']['byRequester'] {
  const groups = Map.groupBy(live, ({ username, team, connector, action }) =>
    JSON.stringify([username, team, connector, action]),
  )
  return [...groups.values()]
    .map((grants) => {
      const { username, team, connector, action } = grants[0]!
      return {
        username,
        team,
        connector,
        action,
        grants: grants.length,
        lastExpiresAt: isoOf(lastOf(grants)!),
      }
    })
    .toSorted((a, b) => b.grants - a.grants || (a.username < b.username ? -1 : 1))
}

function lastOf(grants: readonly LiveGrant[]): number | null {
  return grants.reduce<number | null>((last, { expiresAt }) => Math.max(last ?? 0, expiresAt), null)
}
